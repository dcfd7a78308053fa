"""Squared difference near zero, absolute difference beyond."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def smooth_l1(difference: Tensor, sigma: float = 1.0) -> Tensor:
    """Return 0.5 (sigma x)^2 where |x| < 1 / sigma^2, and |x| - 0.5 / sigma^2 beyond."""
    zero = torch.zeros_like(difference)
    return functional.smooth_l1_loss(difference, zero, reduction="none", beta=sigma**-2)


def weighted_difference(a: Tensor, b: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return weights * (a - b) in a precision with room for a sum.

    Its gradient is 1, not the weight: those for whom this is made leave the weight out.
    """
    dtype = torch.promote_types(a.dtype, torch.float32)
    difference = a.to(dtype) - b.to(dtype).reshape(a.shape)
    if weights is None:
        return difference
    weighted = weights.to(dtype).reshape(a.shape) * difference
    return weighted.detach() + (difference - difference.detach())


class SmoothL1Loss(nn.Module):
    """Sum of w_out * f(w_in * (a - b)), divided by N; a scalar.

    Args:
        sigma: How near zero the square ends: at 1 / sigma^2.
    """

    def __init__(self, sigma: float = 1.0) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(
        self, a: Tensor, b: Tensor, inside: Tensor | None = None, outside: Tensor | None = None
    ) -> Tensor:
        """Map tensors (N, ...) of as many elements to a scalar."""
        if outside is None:
            costs = smooth_l1(weighted_difference(a, b, inside), self.sigma)
        else:
            difference = weighted_difference(a, b)
            if inside is not None:
                difference = difference * inside.reshape(a.shape)
            costs = outside.reshape(a.shape) * smooth_l1(difference, self.sigma)
        return costs.sum() / max(1, a.shape[0])

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"sigma={self.sigma:g}"
