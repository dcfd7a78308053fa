"""A learned blob."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Parameter(nn.Module):
    """Return the parameter `weight`."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(tuple(shape)))

    def forward(self) -> Tensor:
        """Return its values, as they are now: a later step of training changes the weight."""
        return self.weight.clone()

    def extra_repr(self) -> str:
        """Describe the shape."""
        return f"{tuple(self.weight.shape)}"
