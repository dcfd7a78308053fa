"""A Linear layer that flattens first."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from netdef.torch_backend.ops.native import Native


class InnerProduct(nn.Module):
    """Flatten from `axis`, multiply by the weight, add the bias.

    The weight is (outputs, inputs), or (inputs, outputs) when `transpose`.
    """

    def __init__(
        self, inputs: int, outputs: int, axis: int = 1, bias: bool = True, transpose: bool = False
    ) -> None:
        super().__init__()
        self.axis = axis
        self.transpose = transpose
        shape = (inputs, outputs) if transpose else (outputs, inputs)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., K axes) to (..., outputs)."""
        weight = self.weight.t() if self.transpose else self.weight
        axis = self.axis % x.dim()
        flat = x.flatten(axis) if axis < x.dim() - 1 else x
        return functional.linear(flat, weight, self.bias)

    def native(self, rank: int, values: Mapping[str, Tensor]) -> Native | None:
        """Return torch's Linear, behind a flattening where there is something to flatten."""
        del values
        if self.transpose:
            return None
        outputs, inputs = self.weight.shape
        axis = self.axis % rank
        sizes = {"in_features": inputs, "out_features": outputs, "bias": self.bias is not None}
        return Native(nn.Linear, sizes, before=f".flatten({axis})" if axis < rank - 1 else "")

    def extra_repr(self) -> str:
        """Describe the sizes."""
        return f"{tuple(self.weight.shape)}, axis={self.axis}, transpose={self.transpose}"
