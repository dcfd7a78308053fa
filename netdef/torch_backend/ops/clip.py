"""Limits to both sides."""

from torch import Tensor, nn


class Clip(nn.Module):
    """Keep every element between `low` and `high`, where the gradient passes, limits included."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low = low
        self.high = high

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        return x.clamp(self.low, self.high)

    def expression(self, x: str) -> str | None:
        """Return it as a person writes it."""
        return f"{x}.clamp({self.low!r}, {self.high!r})"

    def extra_repr(self) -> str:
        """Describe the limits."""
        return f"{self.low:g}, {self.high:g}"
