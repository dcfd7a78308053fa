"""A writer of what passes by."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class HDF5Output(nn.Module):
    """Hand the inputs on as arrays, by name, and return nothing.

    Args:
        write: Called in every run with a dict of numpy arrays.
        names: A name per input.
    """

    def __init__(self, write: Callable[[dict[str, Any]], None], names: tuple[str, ...]) -> None:
        super().__init__()
        self.write = write
        self.names = names

    def forward(self, *inputs: Tensor) -> tuple[()]:
        arrays = (x.detach().cpu().numpy() for x in inputs)
        self.write(dict(zip(self.names, arrays, strict=True)))
        return ()
