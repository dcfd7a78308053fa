"""Values put back to where a pooling found them."""

import math
from typing import Any

import torch
from torch import Tensor, nn


class Unpooling(nn.Module):
    """Put (N, C, H, W) into planes of zeros, each value at the index that a mask gives.

    Args:
        factors: How much larger rows and columns become.
        odd: Whether the rows, and the columns, are one less than that.
        size: Rows and columns, instead.
    """

    def __init__(
        self,
        factors: tuple[int, int] = (2, 2),
        odd: tuple[bool, bool] = (False, False),
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.factors = factors
        self.odd = odd
        self.size = size

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (N, C, H, W) and a mask of that shape to (N, C, H', W').

        An index outside of the plane is an error on a CPU; on a GPU, where it would end every
        program of the process, its value becomes NaN at index 0.
        """
        height, width = self.size or (
            extent * factor - less
            for extent, factor, less in zip(x.shape[2:], self.factors, self.odd, strict=True)
        )
        values, index = x.flatten(2), mask.flatten(2).long()
        if x.is_cuda:
            known = (index >= 0) & (index < height * width)
            values, index = values.where(known, math.nan), index.where(known, 0)
        planes: Any = _Assigned.apply(values, index, height * width)
        return planes.unflatten(2, (height, width))

    def extra_repr(self) -> str:
        """Describe the sizes."""
        return f"size={self.size}" if self.size else f"{self.factors}, odd={self.odd}"


class _Assigned(torch.autograd.Function):
    """Assign values to places of planes of zeros; of those with one place, the last wins.

    A plain scatter leaves open which wins. In Caffe all of them get the gradient of their place.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, index: Tensor, places: int) -> Tensor:
        ctx.save_for_backward(index)
        order = torch.arange(values.shape[-1], device=values.device).expand_as(index)
        last = index.new_full((*index.shape[:-1], places), -1)
        last = last.scatter_reduce(-1, index, order, "amax")
        return torch.where(last >= 0, values.gather(-1, last.clamp(min=0)), 0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        return gradients[0].gather(-1, index), None, None
