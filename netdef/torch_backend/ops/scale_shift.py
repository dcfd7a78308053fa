"""Batch normalisation without memory, as SegNet's Caffe has it."""

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.statistics import by_batch


class ScaleShift(nn.Module):
    """Multiply every channel (axis 1) by `scale` and add `shift`, both (1, C, 1, 1).

    Args:
        channels: C.
        eps: With a number, the channels are first normalised by the batch's own mean and biased
            variance, to which it is added.
    """

    def __init__(self, channels: int, eps: float | None = None) -> None:
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.empty(1, channels, 1, 1))
        self.shift = nn.Parameter(torch.empty(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, ...) to the same shape."""
        if self.eps is not None:
            x, _, _ = by_batch(x, self.scale.detach().flatten(), self.eps)
        shape = (-1, *[1] * (x.dim() - 2))
        scale, shift = (v.reshape(shape).to(x.dtype) for v in (self.scale, self.shift))
        return torch.addcmul(shift, x, scale)

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"{self.scale.numel()}, eps={self.eps}"
