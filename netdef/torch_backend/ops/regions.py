"""Bins of regions of interest."""

import torch
from torch import Tensor


def rounded(values: Tensor) -> Tensor:
    """Round to whole numbers, halves away from zero (torch rounds them to even ones)."""
    size = values.abs()
    whole = size.floor()
    return (whole + (size - whole >= 0.5)) * values.sign()


def bins(length: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return begins and ends of the bins of regions, as distances from the regions' begins.

    Args:
        length: How long each region is: (R,).
        count: How many bins it has.

    Returns:
        Begins and ends, (R, count) each, not yet whole numbers.
    """
    place = torch.arange(count, dtype=length.dtype, device=length.device)
    # By a tensor: by a number, a GPU would multiply with the inverse, which rounds otherwise.
    size = (length / length.new_tensor(count)).unsqueeze(1)
    return place * size, (place + 1) * size
