"""Smooth L1 loss that also tells what each position costs."""

from torch import Tensor, nn

from netdef.torch_backend.ops.labels import divisor
from netdef.torch_backend.ops.smooth_l1_loss import smooth_l1, weighted_difference


class SmoothL1LossOHEM(nn.Module):
    """Sum of f(w * (a - b)), divided as `normalization` says; a scalar.

    Args:
        normalization: FULL, VALID (which is the same), BATCH_SIZE, NONE or PRE_FIXED.
        divisor: What PRE_FIXED divides by.
        costs_top: Whether to return the sums over the channels as well.
    """

    def __init__(
        self, normalization: str = "VALID", divisor: float = 1.0, costs_top: bool = False
    ) -> None:
        super().__init__()
        self.normalization = normalization
        self.divisor = divisor
        self.costs_top = costs_top

    def forward(
        self, a: Tensor, b: Tensor, weights: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Map tensors (N, C, H, W) of as many elements to a scalar."""
        errors = smooth_l1(weighted_difference(a, b, weights))
        errors = errors.reshape(*a.shape, *[1] * (4 - a.dim()))
        costs = errors.sum(1, keepdim=True).detach()
        counted = costs.new_ones(()).expand(costs.shape)
        mode = "FULL" if self.normalization == "VALID" else self.normalization
        loss = errors.sum() / divisor(mode, costs.numel(), a.shape[0], counted, self.divisor)
        return (loss, costs.to(a.dtype)) if self.costs_top else loss

    def extra_repr(self) -> str:
        """Describe the settings."""
        return self.normalization
