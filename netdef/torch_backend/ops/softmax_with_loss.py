"""Cross entropy of a softmax, with Caffe's divisors and bounds."""

import math

import torch
from torch import Tensor, nn

# Caffe takes no logarithm of less than the least normal float.
_MOST = -math.log(torch.finfo(torch.float32).tiny)


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
        target = labels.reshape(scores.shape[:axis] + scores.shape[axis + 1 :]).long()
        counted = torch.ones_like(target, dtype=torch.bool)
        if self.ignore_label is not None:
            counted = target != self.ignore_label
        index = target.where(counted, 0)
        known = (index >= 0) & (index < scores.shape[axis])
        if scores.is_cuda:  # there, a wrong index would end every program of the process
            index = index.where(known, 0)
        costs = _bounded(-log_p.gather(axis, index.unsqueeze(axis)).squeeze(axis))
        if self.class_weights is not None:
            costs = costs * self._weights_like(costs)[index]
        costs = costs.where(known, math.nan).where(counted, 0.0)
        loss = costs.sum() / self._divisor(scores, counted)
        return (loss, scores.softmax(axis)) if self.softmax_top else loss

    def extra_repr(self) -> str:
        """Describe the settings."""
        ignored = "" if self.ignore_label is None else f", ignore_label={self.ignore_label}"
        return f"axis={self.axis}, {self.normalization}{ignored}"

    def _divisor(self, scores: Tensor, counted: Tensor) -> Tensor | float:
        if self.normalization == "VALID":
            return counted.sum().clamp(min=1)
        fixed = {
            "FULL": counted.numel(),
            "BATCH_SIZE": math.prod(scores.shape[: self.axis]),
            "PRE_FIXED": self.divisor,
            "NONE": 1,
        }
        return max(1, fixed[self.normalization])

    def _weights_like(self, costs: Tensor) -> Tensor:
        """Return the class weights as a tensor, made when first needed on a device."""
        weights = self._weights
        if weights is None or weights.device != costs.device or weights.dtype != costs.dtype:
            weights = self._weights = costs.new_tensor(self.class_weights)
        return weights


def _bounded(costs: Tensor) -> Tensor:
    """Bound the costs from above, but let gradients through: Caffe's ignore the bound."""
    finite = costs.clamp(max=torch.finfo(costs.dtype).max)
    return costs.clamp(max=_MOST).detach() + (finite - finite.detach())
