"""The mean of images as an option of a command gives it: numbers, or a file."""

from pathlib import Path
from typing import Any

import numpy as np

from netdef.ir import show_shape
from netdef.source import NetdefError, error
from netdef.source.locate import shown
from netdef.weights.binaryproto import read_mean

_IMAGE_AXES = 3


def read_mean_option(text: str) -> Any:
    """Return a mean that is written as numbers with commas between, or is in a file.

    Args:
        text: `104,117,123`, a number for all channels, or the name of a .binaryproto or .npy file.

    Returns:
        float32 (C, 1, 1), (1, 1, 1) or (C, H, W).

    Raises:
        NetdefError: The file is missing or holds no mean image.
    """
    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        return _read_array(text) if Path(text).suffix == ".npy" else read_mean(text)
    if not np.isfinite(values).all():
        raise NetdefError(error("bad-value", f"the mean {text} is no number"))
    return np.array(values, np.float32)[:, None, None]


def _read_array(path: str) -> Any:
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as fault:
        text = f"cannot read {shown(Path(path))}: {fault.strerror or fault}"
        raise NetdefError(error("missing-file", text)) from fault
    except ValueError as fault:
        text = f"{shown(Path(path))} is no array of numpy: {fault}"
        raise NetdefError(error("bad-weight-file", text)) from fault
    array = np.squeeze(array)
    array = array[:, None, None] if array.ndim == 1 else array
    if array.ndim != _IMAGE_AXES or array.dtype.kind not in "fiu":
        text = f"{shown(Path(path))} is no mean image: its shape is {show_shape(array.shape)}"
        raise NetdefError(error("bad-weight-file", text))
    return array.astype(np.float32)
