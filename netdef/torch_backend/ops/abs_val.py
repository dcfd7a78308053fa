"""Absolute value."""

from torch import Tensor, nn


class AbsVal(nn.Module):
    """|x|, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        return x.abs()
