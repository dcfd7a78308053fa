"""The distribution of a tensor's values."""

from typing import NamedTuple

import torch
from torch import Tensor

_BINS = 64


class Histogram(NamedTuple):
    """How many values lie where; all of them are plain numbers.

    Attributes:
        min: The smallest value.
        max: The largest value.
        count: How many values there are.
        sum: Their sum.
        sum_squares: The sum of their squares.
        limits: The upper end of each bin.
        counts: How many values are in each bin.
    """

    min: float
    max: float
    count: int
    sum: float
    sum_squares: float
    limits: list[float]
    counts: list[float]


def histogram_of(values: Tensor) -> Histogram | None:
    """Return the distribution of values; None if there are none, or one is NaN or infinite.

    It is counted where the values are, so that of a large tensor on a GPU only the counts move.
    """
    values = values.detach().float().flatten()
    if not values.numel():
        return None
    low, high = (float(bound) for bound in values.aminmax())
    if not torch.isfinite(torch.tensor([low, high])).all():
        return None
    if low == high:  # one bin, around the value
        limits, counts = [high], [float(values.numel())]
    else:
        counts = torch.histc(values, _BINS, low, high).tolist()
        limits = torch.linspace(low, high, _BINS + 1, dtype=torch.float64)[1:].tolist()
    total, squares = float(values.double().sum()), float(values.double().square().sum())
    return Histogram(low, high, values.numel(), total, squares, limits, counts)
