"""Rectified linear unit with learned slopes."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from netdef.torch_backend.ops.native import Native


class PReLU(nn.Module):
    """Multiply what is not positive by the `weight`, one per channel (axis 1).

    Without `channels` there is a single weight, a tensor without axes.
    """

    def __init__(self, channels: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(() if channels is None else channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, ...) to the same shape."""
        return functional.prelu(x, self.weight.to(x.dtype))  # in mixed precision x's type stays

    def native(self, rank: int, values: Mapping[str, Tensor]) -> Native | None:
        """Return torch's own, whose weight has an axis."""
        del rank, values
        return Native(nn.PReLU, {"num_parameters": len(self.weight)}) if self.weight.dim() else None

    def extra_repr(self) -> str:
        """Describe the weight."""
        return f"{tuple(self.weight.shape)}"
