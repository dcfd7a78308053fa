"""Swish."""

from torch import Tensor, nn


class Swish(nn.Module):
    """x * sigmoid(beta * x), element by element."""

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        return x * (self.beta * x).sigmoid()

    def extra_repr(self) -> str:
        """Describe the setting."""
        return f"{self.beta:g}"
