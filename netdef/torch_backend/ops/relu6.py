"""Rectified linear unit with a slope and an upper limit."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class ReLU6(nn.Module):
    """Multiply what is not positive by the slope, and limit the rest to 6."""

    def __init__(self, negative_slope: float = 0.0) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        # Not `clamp`, which lets the gradient pass at the limit itself.
        return torch.where(x >= 6, 6.0, functional.leaky_relu(x, self.negative_slope))

    def extra_repr(self) -> str:
        """Describe the setting."""
        return f"{self.negative_slope:g}"
