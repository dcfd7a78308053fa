"""Logarithm."""

from torch import Tensor, nn


class Log(nn.Module):
    """factor * ln(scale * x + shift), element by element."""

    def __init__(self, scale: float = 1.0, shift: float = 0.0, factor: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.shift = shift
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        if self.scale != 1:
            x = x * self.scale
        if self.shift:
            x = x + self.shift
        y = x.log()
        return y if self.factor == 1 else y * self.factor

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"scale={self.scale:g}, shift={self.shift:g}, factor={self.factor:g}"
