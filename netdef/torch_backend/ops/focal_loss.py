"""Cross entropy that plays down what is found easily."""

from torch import Tensor

from netdef.torch_backend.ops.labels import log_of
from netdef.torch_backend.ops.softmax_with_loss import SoftmaxWithLoss

_LEAST = 1e-10
"""What Caffe takes at least for 1 - p in the gradient, where it divides by it."""


class FocalLoss(SoftmaxWithLoss):
    """Sum of -alpha (1 - p)^gamma log p, divided as `normalization` says; a scalar.

    Args:
        alpha: Factor on the loss.
        gamma: How strongly easy positions are played down.
        axis: Axis of the classes.
        normalization: FULL, VALID, BATCH_SIZE, NONE or PRE_FIXED.
        ignore_label: Label that costs nothing.
        divisor: What PRE_FIXED divides by.
        softmax_top: Whether to return the softmax as well.
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        axis: int = 1,
        normalization: str = "VALID",
        ignore_label: int | None = None,
        divisor: float = 1.0,
        softmax_top: bool = False,
    ) -> None:
        super().__init__(axis, normalization, ignore_label, divisor, softmax_top=softmax_top)
        self.alpha = alpha
        self.gamma = gamma

    def cost(self, log_p: Tensor) -> Tensor:
        """Return what each position costs, given the logarithms of the true class's p."""
        missing = (-log_p.expm1()).clamp(min=_LEAST)
        return -self.alpha * missing.pow(self.gamma) * log_of(log_p)

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"alpha={self.alpha:g}, gamma={self.gamma:g}, {super().extra_repr()}"
