"""Distance of like pairs, closeness of unlike pairs."""

import torch
from torch import Tensor, nn

_EPSILON = 1e-4
"""Added by Caffe to the distance that it divides by in the gradient, and only there."""


class ContrastiveLoss(nn.Module):
    """Sum of d^2 over like pairs and of max(m - d, 0)^2 over the others, divided by 2 N; a scalar.

    Args:
        margin: The distance m beyond which unlike pairs cost nothing.
        legacy: Whether unlike pairs cost max(m - d^2, 0).
    """

    def __init__(self, margin: float = 1.0, legacy: bool = False) -> None:
        super().__init__()
        self.margin = margin
        self.legacy = legacy

    def forward(self, a: Tensor, b: Tensor, alike: Tensor) -> Tensor:
        """Map two tensors (N, ...) and N marks, not 0 for like pairs, to a scalar."""
        # Half precision has no room for the sum.
        dtype = torch.promote_types(a.dtype, torch.float32)
        difference = a.to(dtype).flatten(1) - b.to(dtype).reshape(a.shape).flatten(1)
        squared = difference.square().sum(1)
        costs = squared.where(alike.flatten().trunc() != 0, self._unlike(squared))
        return costs.sum() / (2 * max(1, a.shape[0]))

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"margin={self.margin:g}" + (", legacy" if self.legacy else "")

    def _unlike(self, squared: Tensor) -> Tensor:
        if self.legacy:
            return (self.margin - squared).relu()
        distance = squared.detach().sqrt()
        missing = (self.margin - distance).relu()
        # The gradient is that of this straight line; the root's would be infinite at distance 0.
        line = -missing / (distance + _EPSILON) * squared
        return missing.square() + (line - line.detach())
