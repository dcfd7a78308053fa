"""What losses over class labels share: labels as indices, bounds of logarithms, divisors."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

FLT_MIN = torch.finfo(torch.float32).tiny
"""The least normal float: Caffe takes no logarithm of less."""

LOG_THRESHOLD = 1e-20
"""What some of Caffe's losses take instead."""


def class_index(
    labels: Tensor, shape: Sequence[int], axis: int, ignore_label: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return labels as indices, which of them are classes or ignored, and which count.

    All three have the shape of the scores without `axis`. A label that is neither a class nor
    ignored stays in the indices on a CPU, where it ends in an error; on a GPU, where it would end
    every program of the process, it becomes class 0: whoever calls makes the loss NaN.

    Args:
        labels: As many labels as there are positions.
        shape: Shape of the scores.
        axis: Axis of the classes, counted from the front.
        ignore_label: Label that costs nothing.
    """
    target = labels.reshape(*shape[:axis], *shape[axis + 1 :]).long()
    counted = torch.ones_like(target, dtype=torch.bool)
    if ignore_label is not None:
        counted = target != ignore_label
    index = target.where(counted, 0)
    known = (index >= 0) & (index < shape[axis])
    if labels.is_cuda:
        index = index.where(known, 0)
    return index, known, counted


def log_of(log_p: Tensor, least: float = FLT_MIN) -> Tensor:
    """Bound logarithms from below, but let gradients through: Caffe's ignore the bound."""
    finite = log_p.clamp(min=torch.finfo(log_p.dtype).min)
    return log_p.clamp(min=math.log(least)).detach() + (finite - finite.detach())


def divisor(
    normalization: str, positions: int, items: int, counted: Tensor, fixed: float
) -> Tensor | float:
    """Return what a summed loss is divided by, at least 1.

    Args:
        normalization: FULL, VALID, BATCH_SIZE, NONE or PRE_FIXED.
        positions: What FULL divides by.
        items: What BATCH_SIZE divides by.
        counted: Which positions are not ignored; VALID divides by their number.
        fixed: What PRE_FIXED divides by.
    """
    if normalization == "VALID":
        return counted.sum().clamp(min=1)
    values = {"FULL": positions, "BATCH_SIZE": items, "PRE_FIXED": fixed, "NONE": 1}
    return max(1, values[normalization])
