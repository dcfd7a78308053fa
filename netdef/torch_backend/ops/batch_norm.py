"""Caffe's batch normalisation: statistics kept as sums with a common factor."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from netdef.torch_backend.ops.native import Native
from netdef.torch_backend.ops.statistics import Statistics, by_batch


class BatchNorm(Statistics):
    """Subtract the mean of every channel (axis 1) and divide by its standard deviation.

    The buffers hold decaying sums: `mean` and `variance` (C,) divided by `factor` (1,) are the
    statistics. With `stored` these normalise, and are zero while the factor is. Otherwise the
    batch's own normalise, its variance biased, and every forward pass moves the sums: each is
    multiplied by `fraction`, then the batch's mean, unbiased variance and 1 are added.

    A factor and a shift per channel (C,), of a layer behind it, can be applied in the same step.
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

    def forward(
        self, x: Tensor, factor: Tensor | None = None, shift: Tensor | None = None
    ) -> Tensor:
        """Map (N, C, ...) or (N,), which is one channel, to the same shape."""
        columns = x.unsqueeze(1) if x.dim() == 1 else x
        normalise = self._by_stored if self.stored else self._by_batch
        return normalise(columns, factor, shift).reshape(x.shape)

    def _by_stored(self, x: Tensor, factor: Tensor | None, shift: Tensor | None) -> Tensor:
        scale = torch.where(self.factor == 0, 0.0, 1 / self.factor)
        mean, variance = self.mean * scale, self.variance * scale
        return functional.batch_norm(x, mean, variance, factor, shift, eps=self.eps)

    def _by_batch(self, x: Tensor, factor: Tensor | None, shift: Tensor | None) -> Tensor:
        if not x.numel():  # nothing to normalise, nothing to learn from
            return x
        y, mean, variance = by_batch(x, self.mean, self.eps, factor, shift)
        with torch.no_grad():
            self.mean.mul_(self.fraction).add_(mean)
            self.variance.mul_(self.fraction).add_(variance)
            self.factor.mul_(self.fraction).add_(1.0)
        return y

    def native(
        self,
        rank: int,
        values: Mapping[str, Tensor],
        factor: Tensor | None = None,
        shift: Tensor | None = None,
    ) -> Native | None:
        """Return torch's own in evaluation, with the statistics divided by their factor."""
        kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}.get(
            rank
        )
        if kind is None or not self.stored:
            return None
        scale = torch.where(values["factor"] == 0, 0.0, 1 / values["factor"])
        held = {"running_mean": values["mean"] * scale, "running_var": values["variance"] * scale}
        if factor is not None and shift is not None:
            held |= {"weight": factor, "bias": shift}
        sizes = {"num_features": self.mean.numel(), "eps": self.eps, "affine": factor is not None}
        return Native(kind, sizes, held)

    def extra_repr(self) -> str:
        """Describe the settings."""
        return (
            f"{self.mean.numel()}, eps={self.eps:g}, fraction={self.fraction:g}, "
            f"stored={self.stored}"
        )
