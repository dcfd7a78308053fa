"""Greedy non-maximum suppression."""

import torch
from torch import Tensor

from netdef.torch_backend.ops.boxes import iou

_LOWEST_ADAPTED = 0.5
"""A threshold at or below this stays as it is."""


def nms(
    boxes: Tensor,
    candidates: Tensor,
    threshold: float,
    eta: float = 1.0,
    most: int | None = None,
) -> Tensor:
    """Return which boxes stay when, from the best on, those go that overlap one that stays.

    It is a loop over the boxes that stay, of all lists at once, and takes memory in proportion to
    the boxes, not to pairs of them.

    Args:
        boxes: Lists of boxes, the best first: (P, K, 4).
        candidates: Which of them count: (P, K).
        threshold: The largest intersection over union with any that stays.
        eta: Factor on the threshold after each box that stays, while it is above 0.5.
        most: How many of a list may stay; None for all.

    Returns:
        (P, K), true for the boxes that stay.
    """
    # Each coordinate together in memory, which is several times faster than each box.
    boxes = boxes.movedim(2, 0).contiguous().movedim(0, 2)
    place = torch.arange(boxes.shape[1], device=boxes.device)
    stay = torch.zeros_like(candidates)
    left = candidates
    overlap = boxes.new_zeros(boxes.shape[:2])
    limit = boxes.new_full((len(boxes), 1), threshold)
    for _ in range(boxes.shape[1] if most is None else min(most, boxes.shape[1])):
        some = left.any(1, keepdim=True)
        if not some.any():
            break
        first = left.to(torch.uint8).argmax(1, keepdim=True)
        stay = stay | (some & (place == first))
        best = boxes.gather(1, first.unsqueeze(2).expand(-1, -1, 4))
        overlap = torch.maximum(overlap, iou(best, boxes))
        if eta < 1:
            limit = torch.where(some & (limit > _LOWEST_ADAPTED), limit * eta, limit)
        left = left & (place > first) & (overlap <= limit)
    return stay
