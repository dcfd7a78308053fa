"""Share of items whose class is found."""

import math

from torch import Tensor, nn

from netdef.torch_backend.ops.labels import class_index


class Accuracy(nn.Module):
    """Share of items with fewer than `top_k` other scores at or above that of their class.

    Args:
        top_k: How many best scores count.
        axis: Axis of the classes.
        ignore_label: Label whose items do not count.
        per_class: Whether to return the shares of each class as well.
    """

    def __init__(
        self,
        top_k: int = 1,
        axis: int = 1,
        ignore_label: int | None = None,
        per_class: bool = False,
    ) -> None:
        super().__init__()
        self.top_k = top_k
        self.axis = axis
        self.ignore_label = ignore_label
        self.per_class = per_class

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Map scores (..., classes, ...) and as many labels as positions to a scalar."""
        axis = self.axis
        index, known, counted = class_index(labels, scores.shape, axis, self.ignore_label)
        true = scores.gather(axis, index.unsqueeze(axis))
        # "Not less" holds for ties, for NaN, and for the true class itself, which is not counted.
        others = (~(scores < true)).sum(axis) - 1
        right = (others < self.top_k) & counted
        share = (right.sum() / counted.sum().clamp(min=1)).where(known.all(), math.nan)
        if not self.per_class:
            return share
        return share, _per_class(scores.shape[axis], index, right, counted)

    def extra_repr(self) -> str:
        """Describe the settings."""
        ignored = "" if self.ignore_label is None else f", ignore_label={self.ignore_label}"
        return f"top_k={self.top_k}, axis={self.axis}{ignored}"


def _per_class(classes: int, index: Tensor, right: Tensor, counted: Tensor) -> Tensor:
    none = index.new_zeros(classes)
    found = none.scatter_add(0, index.flatten(), right.flatten().long())
    there = none.scatter_add(0, index.flatten(), counted.flatten().long())
    return found / there.clamp(min=1)
