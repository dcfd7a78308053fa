"""Cross entropy of a softmax, with Caffe's divisors and bounds."""

import math

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.labels import class_index, divisor, log_of


class SoftmaxWithLoss(nn.Module):
    """Sum of -log softmax(scores)[label], divided as `normalization` says; a scalar.

    Args:
        axis: Axis of the classes.
        normalization: FULL, VALID, BATCH_SIZE, NONE or PRE_FIXED.
        ignore_label: Label that costs nothing.
        divisor: What PRE_FIXED divides by.
        class_weights: Factor on the loss of each class.
        softmax_top: Whether to return the softmax as well.
    """

    def __init__(
        self,
        axis: int = 1,
        normalization: str = "VALID",
        ignore_label: int | None = None,
        divisor: float = 1.0,
        class_weights: tuple[float, ...] | None = None,
        softmax_top: bool = False,
    ) -> None:
        super().__init__()
        self.axis = axis
        self.normalization = normalization
        self.ignore_label = ignore_label
        self.divisor = divisor
        self.class_weights = class_weights
        self.softmax_top = softmax_top
        self._weights: Tensor | None = None

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Map scores (..., classes, ...) and as many labels as positions to a scalar."""
        axis = self.axis
        # Half precision has no room for the sum.
        log_p = scores.log_softmax(axis, dtype=torch.promote_types(scores.dtype, torch.float32))
        index, known, counted = class_index(labels, scores.shape, axis, self.ignore_label)
        costs = self.cost(log_p.gather(axis, index.unsqueeze(axis)).squeeze(axis))
        if self.class_weights is not None:
            costs = costs * self._weights_like(costs)[index]
        costs = costs.where(known, math.nan).where(counted, 0.0)
        items = math.prod(scores.shape[:axis])
        loss = costs.sum() / divisor(
            self.normalization, counted.numel(), items, counted, self.divisor
        )
        return (loss, scores.softmax(axis)) if self.softmax_top else loss

    def cost(self, log_p: Tensor) -> Tensor:
        """Return what each position costs, given the logarithms of the true class's p."""
        return -log_of(log_p)

    def extra_repr(self) -> str:
        """Describe the settings."""
        ignored = "" if self.ignore_label is None else f", ignore_label={self.ignore_label}"
        return f"axis={self.axis}, {self.normalization}{ignored}"

    def _weights_like(self, costs: Tensor) -> Tensor:
        """Return the class weights as a tensor, made when first needed on a device."""
        weights = self._weights
        if weights is None or weights.device != costs.device or weights.dtype != costs.dtype:
            weights = self._weights = costs.new_tensor(self.class_weights)
        return weights
