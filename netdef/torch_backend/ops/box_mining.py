"""Which boxes cost most."""

import torch
from torch import Tensor

from netdef.torch_backend.ops.boxes import area, iou

_LEAST_AREA = 1e-5
"""A box smaller than this is not looked at."""


def hardest(costs: Tensor, eligible: Tensor, numbers: Tensor) -> Tensor:
    """Return which boxes (N, P) are among the costliest of their image; of equals, the first.

    Args:
        costs: What each box costs, (N, P).
        eligible: Which boxes to choose from, (N, P).
        numbers: How many to choose per image, (N).
    """
    order = costs.where(eligible, -torch.inf).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(costs.shape[1], device=costs.device).expand_as(order)
    rank = torch.empty_like(order).scatter(1, order, places)
    return eligible & (rank < numbers.unsqueeze(1))


def hardest_apart(
    costs: Tensor,
    eligible: Tensor,
    numbers: Tensor,
    boxes: Tensor,
    threshold: float,
    top_k: int,
) -> Tensor:
    """Return as `hardest`, but drop a box that overlaps a costlier one.

    Args:
        costs: What each box costs, (N, P).
        eligible: Which boxes to choose from, (N, P).
        numbers: How many to choose per image, (N).
        boxes: The boxes, (N, P, 4).
        threshold: The IoU above which boxes overlap.
        top_k: How many of the costliest to look at; below 0, all.
    """
    chosen = torch.zeros_like(eligible)
    for image, number in enumerate(numbers.tolist()):
        candidates = eligible[image].nonzero().squeeze(1)
        order = costs[image, candidates].argsort(descending=True, stable=True)
        candidates = candidates[order if top_k < 0 else order[:top_k]]
        kept = _apart(boxes[image, candidates], threshold, int(number))
        chosen[image, candidates[kept]] = True
    return chosen


def _apart(boxes: Tensor, threshold: float, number: int) -> list[int]:
    """Return the first boxes, at most `number`, none of which overlaps one before it."""
    left = (area(boxes) >= _LEAST_AREA).nonzero().squeeze(1)
    kept: list[int] = []
    while len(left) and len(kept) < number:
        kept.append(int(left[0]))
        left = left[1:][iou(boxes[left[0]], boxes[left[1:]]) <= threshold]
    return kept
