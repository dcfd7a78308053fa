"""Absolute value."""

from torch import Tensor, nn


class AbsVal(nn.Module):
    """|x|, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        return x.abs()

    def expression(self, x: str) -> str | None:
        """Return it as a person writes it."""
        return f"{x}.abs()"
