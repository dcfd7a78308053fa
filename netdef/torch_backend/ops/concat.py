"""Concatenation."""

import torch
from torch import Tensor, nn


class Concat(nn.Module):
    """Join the inputs along `axis`."""

    def __init__(self, axis: int = 1) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, self.axis)

    def expression(self, *inputs: str) -> str | None:
        """Return it as a person writes it."""
        return f"torch.cat([{', '.join(inputs)}], dim={self.axis})"

    def extra_repr(self) -> str:
        """Name the axis."""
        return f"axis={self.axis}"
