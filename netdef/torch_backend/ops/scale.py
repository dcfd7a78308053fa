"""Multiplication by a factor that spans some axes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """Multiply by a factor, then add a bias, both laid along the axes from `axis` on.

    The factor is the parameter `weight` of shape `shape`, or, without `weight`, a second input.
    A factor without axes applies to every element.
    """

    def __init__(
        self, shape: Sequence[int], axis: int = 1, weight: bool = True, bias: bool = False
    ) -> None:
        super().__init__()
        self.axis = axis
        self.weight = nn.Parameter(torch.empty(tuple(shape))) if weight else None
        self.bias = nn.Parameter(torch.empty(tuple(shape))) if bias else None

    def forward(self, x: Tensor, factor: Tensor | None = None) -> Tensor:
        """Map x (any shape), and a factor of the shape of the axes it spans, to x's shape."""
        values = self.weight if factor is None else factor
        assert values is not None  # noqa: S101 - there is a weight or a second input
        scale = self._laid_along(x, values)
        if self.bias is None:
            return x * scale
        return torch.addcmul(self._laid_along(x, self.bias), x, scale)

    def _laid_along(self, x: Tensor, values: Tensor) -> Tensor:
        values = values.to(x.dtype)  # in mixed precision the input's type stays
        if not values.dim():
            return values
        behind = x.dim() - self.axis % x.dim() - values.dim()
        return values.reshape(values.shape + (1,) * behind)

    def extra_repr(self) -> str:
        """Describe the parameters."""
        shapes = [f"{name}={tuple(p.shape)}" for name, p in self.named_parameters()]
        return ", ".join([*shapes, f"axis={self.axis}"])
