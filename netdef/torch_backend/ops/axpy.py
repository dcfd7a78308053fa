"""A factor per channel, and a sum."""

import torch
from torch import Tensor, nn


class Axpy(nn.Module):
    """a * x + y, with one a for each channel of each item."""

    def forward(self, a: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Map a (N, C, 1, ...), x and y (N, C, ...) to x's shape."""
        factor = a.reshape(a.shape[:2] + (1,) * (x.dim() - 2))
        return torch.addcmul(y, factor.to(x.dtype), x)
