"""Caffe's batch normalisation: statistics kept as sums with a common factor."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class BatchNorm(nn.Module):
    """Subtract the mean of every channel (axis 1) and divide by its standard deviation.

    The buffers hold decaying sums: `mean` and `variance` (C,) divided by `factor` (1,) are the
    statistics. With `stored` these normalise, and are zero while the factor is. Otherwise the
    batch's own normalise, its variance biased, and every forward pass moves the sums: each is
    multiplied by `fraction`, then the batch's mean, unbiased variance and 1 are added.
    """

    mean: Tensor
    variance: Tensor
    factor: Tensor

    def __init__(
        self, channels: int, eps: float = 1e-5, fraction: float = 0.999, stored: bool = True
    ) -> None:
        super().__init__()
        self.eps = eps
        self.fraction = fraction
        self.stored = stored
        self.register_buffer("mean", torch.empty(channels))
        self.register_buffer("variance", torch.empty(channels))
        self.register_buffer("factor", torch.empty(1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, ...) or (N,), which is one channel, to the same shape."""
        columns = x.unsqueeze(1) if x.dim() == 1 else x
        normalised = self._by_stored(columns) if self.stored else self._by_batch(columns)
        return normalised.reshape(x.shape)

    def _by_stored(self, x: Tensor) -> Tensor:
        scale = torch.where(self.factor == 0, 0.0, 1 / self.factor)
        mean, variance = self.mean * scale, self.variance * scale
        return functional.batch_norm(x, mean, variance, eps=self.eps)

    def _by_batch(self, x: Tensor) -> Tensor:
        mean, variance = torch.zeros_like(self.mean), torch.zeros_like(self.variance)
        values = x.numel() // max(x.shape[1], 1)  # per channel
        if values > 1:
            # With momentum 1 the kernel leaves the batch's own mean and unbiased variance.
            y = functional.batch_norm(x, mean, variance, training=True, momentum=1.0, eps=self.eps)
        elif values == 1:  # its own mean, without variance; torch refuses it
            mean, y = x.detach().to(mean.dtype).reshape(mean.shape), x - x
        else:  # nothing to normalise, nothing to learn from
            return x
        with torch.no_grad():
            self.mean.mul_(self.fraction).add_(mean)
            self.variance.mul_(self.fraction).add_(variance)
            self.factor.mul_(self.fraction).add_(1.0)
        return y

    def _apply(self, fn: Any, recurse: bool = True) -> "BatchNorm":
        """Move or convert the buffers as torch does parameters: they stay the same tensors.

        Another layer may share them.
        """
        before = dict(self.named_buffers(recurse=False))
        super()._apply(fn, recurse)
        for name, buffer in before.items():
            moved = self.get_buffer(name)
            if buffer.is_meta == moved.is_meta:
                buffer.data = moved
                setattr(self, name, buffer)
        return self

    def extra_repr(self) -> str:
        """Describe the settings."""
        return (
            f"{self.mean.numel()}, eps={self.eps:g}, fraction={self.fraction:g}, "
            f"stored={self.stored}"
        )
