"""Between weight files and the live parameters of a program."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from netdef.weights import Match, Weights, match_weights, read_weights, write_weights

if TYPE_CHECKING:
    from netdef.torch_backend.executable import Executable


def load_weights(
    executable: "Executable", path: str | Path, skip_mismatched: bool = False
) -> Match:
    """Read a weight file into the parameters of a program, by layer name.

    Nothing is changed unless everything fits.

    Args:
        executable: The program.
        path: The file.
        skip_mismatched: Whether layers whose shapes differ keep their values, instead of being
            faults.

    Returns:
        What went where, what was not found, and warnings.

    Raises:
        NetdefError: The file is missing or damaged, or does not fit the net.
    """
    found = match_weights(read_weights(path), executable.net, skip_mismatched)
    with torch.no_grad():
        for param, array in found.values.items():
            executable.tensor_of(param).copy_(_as_tensor(array))
    return found


def save_weights(executable: "Executable", path: str | Path) -> None:
    """Write the parameters of a program to a file; its suffix tells the format.

    Raises:
        NetdefError: The suffix is unknown, or the file cannot be written.
    """
    write_weights(path, weights_of(executable), executable.net)


def weights_of(executable: "Executable") -> Weights:
    """Return the values of all parameters, by layer name, on the CPU."""
    arrays = {
        name: [tensor.detach().float().cpu().numpy() for tensor in tensors]
        for name, tensors in executable.params.items()
    }
    return Weights.from_arrays(arrays, executable.net.name)


def _as_tensor(array: object) -> torch.Tensor:
    values = np.asarray(array, order="C")  # not ascontiguousarray: it has no shape ()
    return torch.from_numpy(values if values.flags.writeable else values.copy())
