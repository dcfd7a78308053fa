"""Power of a linear function."""

from torch import Tensor, nn


class Power(nn.Module):
    """factor * (scale * x + shift) ^ power, element by element.

    With a power of 0 that is `factor` for every x, infinite ones too, with a gradient of 0.
    """

    def __init__(
        self, power: float = 1.0, scale: float = 1.0, shift: float = 0.0, factor: float = 1.0
    ) -> None:
        super().__init__()
        self.power = power
        self.scale = scale
        self.shift = shift
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        if self.scale != 1:
            x = x * self.scale
        if self.shift:
            x = x + self.shift
        if self.power != 1:
            x = x.pow(self.power)
        return x if self.factor == 1 else x * self.factor

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"{self.power:g}, scale={self.scale:g}, shift={self.shift:g}, factor={self.factor:g}"
