"""Cross entropy with a matrix of what each mistake costs."""

import math

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.labels import LOG_THRESHOLD, class_index, divisor, log_of


class InfogainLoss(nn.Module):
    """Sum of -H[label, k] log softmax(scores)[k] over all k, divided as `normalization` says.

    Args:
        axis: Axis of the classes.
        normalization: FULL, VALID, BATCH_SIZE, NONE or PRE_FIXED.
        ignore_label: Label that costs nothing.
        divisor: What PRE_FIXED divides by.
        matrix: H by rows; None when it is the third input.
        softmax_top: Whether to return the softmax as well.
    """

    def __init__(
        self,
        axis: int = 1,
        normalization: str = "VALID",
        ignore_label: int | None = None,
        divisor: float = 1.0,
        matrix: tuple[tuple[float, ...], ...] | None = None,
        softmax_top: bool = False,
    ) -> None:
        super().__init__()
        self.axis = axis
        self.normalization = normalization
        self.ignore_label = ignore_label
        self.divisor = divisor
        self.matrix = matrix
        self.softmax_top = softmax_top
        self._matrix: Tensor | None = None

    def forward(
        self, scores: Tensor, labels: Tensor, matrix: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Map scores (..., classes, ...), labels and perhaps H (classes^2 values) to a scalar."""
        axis, classes = self.axis, scores.shape[self.axis]
        # Half precision has no room for the sum.
        log_p = scores.log_softmax(axis, dtype=torch.promote_types(scores.dtype, torch.float32))
        index, known, counted = class_index(labels, scores.shape, axis, self.ignore_label)
        h = self._matrix_like(log_p) if matrix is None else matrix.detach().to(log_p.dtype)
        rows = h.reshape(classes, classes)[index].movedim(-1, axis)
        costs = -(rows * log_of(log_p, LOG_THRESHOLD)).sum(axis)
        costs = costs.where(known, math.nan).where(counted, 0.0)
        items = math.prod(scores.shape[:axis])
        loss = costs.sum() / divisor(
            self.normalization, counted.numel(), items, counted, self.divisor
        )
        return (loss, scores.softmax(axis)) if self.softmax_top else loss

    def extra_repr(self) -> str:
        """Describe the settings."""
        ignored = "" if self.ignore_label is None else f", ignore_label={self.ignore_label}"
        return f"axis={self.axis}, {self.normalization}{ignored}"

    def _matrix_like(self, values: Tensor) -> Tensor:
        """Return H as a tensor, made when first needed on a device."""
        matrix = self._matrix
        if matrix is None or matrix.device != values.device or matrix.dtype != values.dtype:
            matrix = self._matrix = values.new_tensor(self.matrix)
        return matrix
