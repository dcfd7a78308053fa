"""Exponential function."""

from torch import Tensor, nn


class Exp(nn.Module):
    """e ^ (factor * x + offset), element by element."""

    def __init__(self, factor: float = 1.0, offset: float = 0.0) -> None:
        super().__init__()
        self.factor = factor
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        if self.factor != 1:
            x = x * self.factor
        if self.offset:
            x = x + self.offset
        return x.exp()

    def extra_repr(self) -> str:
        """Describe the exponent."""
        return f"factor={self.factor:g}, offset={self.offset:g}"
