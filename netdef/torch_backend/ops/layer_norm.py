"""Layer normalisation over the last axes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class LayerNorm(nn.Module):
    """Zero mean and unit variance over the axes from `axis` on.

    With `affine`, the parameter `weight` of their shape then multiplies and `bias` is added;
    without it, their sizes may vary.
    """

    def __init__(
        self, axis: int, shape: Sequence[int], eps: float = 1e-5, affine: bool = True
    ) -> None:
        super().__init__()
        self.axis = axis
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(tuple(shape))) if affine else None
        self.bias = nn.Parameter(torch.empty(tuple(shape))) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        shape = x.shape[self.axis :]
        return functional.layer_norm(x, shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"axis={self.axis}, eps={self.eps}, affine={self.weight is not None}"
