"""A net from its source: made, filled and compared."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn

from netdef.torch_source.step import Program
from netdef.torch_source.write_module import Module


def made_from(module: Module) -> nn.Module:
    """Return the net that a source is of, with the values of the steps it was written from."""
    names: dict[str, Any] = {"__name__": "written"}
    # What is run is our own text: of the net's file it has names, as identifiers, and numbers.
    exec(compile(module.text, "<source>", "exec"), names)  # noqa: S102 - our own text
    net: nn.Module = names["Net"]()
    with torch.no_grad():
        for step, path in module.paths.items():
            holder = net.get_submodule(path)
            for name, values in step.values.items():
                attrgetter(name)(holder).copy_(values)
    return net


def weights_of(net: nn.Module) -> dict[str, Any]:
    """Return what `load` of the source takes, as arrays."""
    # How many batches were seen in training is not of the net; where it is missing, torch takes 0.
    return {
        name: values.detach().contiguous().numpy()
        for name, values in net.state_dict().items()
        if values.is_floating_point()
    }


def outputs_of(net: nn.Module, program: Program, feed: Mapping[str, Tensor]) -> list[Tensor]:
    """Run the net; return its outputs in the order of the program's."""
    with torch.no_grad():
        found = net(*(feed[value.name] for value in program.inputs))
    if isinstance(found, Tensor):
        return [found]
    return [found[name] for name, _ in program.outputs]


def are_equal(found: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Whether tensors are equal bit for bit; NaN equals NaN."""
    return all(
        a.shape == b.shape and bool(((a == b) | (a.isnan() & b.isnan())).all())
        for a, b in zip(found, expected, strict=True)
    )
