"""Batch normalisation with slope and bias, as PSPNet's and TSN's Caffe have it."""

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.statistics import Statistics, by_batch


class BN(Statistics):
    """Normalise every channel (axis 1), multiply by `slope` and add `bias`.

    All four of `slope`, `bias`, `mean` and `variance` are (1, C, 1, 1), the last two buffers;
    `frozen`, the first two as well.

    Args:
        channels: C.
        eps: What is added to the variance.
        momentum: What a pass by the batch's own statistics leaves of the stored ones.
        stored: Whether the stored statistics normalise.
        frozen: Whether nothing is learned.
    """

    slope: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float = 0.9,
        stored: bool = True,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.stored = stored
        self.frozen = frozen
        for name in ("slope", "bias", "mean", "variance"):
            values = torch.empty(1, channels, 1, 1)
            if frozen or name in ("mean", "variance"):
                self.register_buffer(name, values)
            else:
                self.register_parameter(name, nn.Parameter(values))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, ...) to the same shape."""
        y = self._by_stored(x) if self.stored else self._by_batch(x)
        return torch.addcmul(_along(x, self.bias), y, _along(x, self.slope))

    def _by_stored(self, x: Tensor) -> Tensor:
        inverse = (_along(x, self.variance, exact=True) + self.eps).rsqrt()
        y = ((x - _along(x, self.mean)) * inverse).to(x.dtype)
        if self.frozen or not (torch.is_grad_enabled() and x.requires_grad):
            return y
        # Caffe's gradient in TEST is that of TRAIN, as if the statistics had been the batch's: that
        # of the linear map below, whose values do not count.
        axes = [axis for axis in range(x.dim()) if axis != 1]
        fixed = y.detach()
        mean, product = (v.mean(axes, keepdim=True) for v in (x, fixed * x))
        linear = (x - mean - fixed * product) * inverse
        return fixed + (linear - linear.detach()).to(x.dtype)

    def _by_batch(self, x: Tensor) -> Tensor:
        if not x.numel():  # nothing to normalise, nothing to learn from
            return x
        y, mean, variance = by_batch(x, self.mean.flatten(), self.eps)
        values = x.numel() // x.shape[1]
        biased = variance * ((values - 1) / values)
        with torch.no_grad():
            for stored, own in ((self.mean, mean), (self.variance, biased)):
                stored.mul_(self.momentum).add_(own.reshape(stored.shape), alpha=1 - self.momentum)
        return y

    def extra_repr(self) -> str:
        """Describe the settings."""
        return (
            f"{self.slope.numel()}, eps={self.eps:g}, momentum={self.momentum:g}, "
            f"stored={self.stored}, frozen={self.frozen}"
        )


def _along(x: Tensor, values: Tensor, exact: bool = False) -> Tensor:
    """Lay values per channel along axis 1 of x, in x's type unless `exact`."""
    laid = values.reshape(-1, *[1] * (x.dim() - 2))
    return laid if exact else laid.to(x.dtype)
