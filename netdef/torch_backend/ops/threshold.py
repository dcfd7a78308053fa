"""Comparison with a threshold."""

from torch import Tensor, nn


class Threshold(nn.Module):
    """1 where x is above the threshold, 0 elsewhere, as numbers of x's type."""

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        return (x > self.threshold).to(x.dtype)

    def extra_repr(self) -> str:
        """Describe the setting."""
        return f"{self.threshold:g}"
