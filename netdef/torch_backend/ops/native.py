"""Torch's own module in the place of an op."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn


class Native(NamedTuple):
    """A module of torch's that computes the same, bit for bit, under conditions known by then.

    An op that has one offers `native(rank, values, **further)`, given the number of axes of its
    first input, its own parameters by name, and what else its call is given.

    Attributes:
        cls: The module's class.
        arguments: What it is made with.
        values: Its parameters and buffers by name; None where they are the op's own.
        before: What is done to the input, behind its name: ".flatten(1)".
    """

    cls: type[nn.Module]
    arguments: dict[str, Any]
    values: Mapping[str, Tensor] | None = None
    before: str = ""
