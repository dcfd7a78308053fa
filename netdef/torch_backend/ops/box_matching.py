"""Which box stands for which object."""

import torch
from torch import Tensor

from netdef.torch_backend.ops.boxes import iou

NONE, OUTSIDE = -1, -2
"""What stands for an object where there is none, and where a box may not have one."""

_LEAST_OVERLAP = 1e-6
"""An IoU up to this is none."""


def match_boxes(
    boxes: Tensor, objects: Tensor, threshold: float | None, inside_only: bool
) -> tuple[Tensor, Tensor]:
    """Match boxes (P, 4) and objects (G, 4); return an object per box, and the best IoU per box.

    First each object takes a box, beginning with the pair of largest IoU; of equals the first box
    wins, then the first object. Then each box without an object takes the best one.

    Args:
        boxes: The boxes.
        objects: The objects.
        threshold: The IoU from which on a box takes an object; None if no box shall.
        inside_only: Whether boxes that leave the image stay out of it.
    """
    overlaps = iou(boxes.unsqueeze(1), objects)
    overlaps = overlaps.where(overlaps > _LEAST_OVERLAP, 0.0)
    found = torch.full_like(boxes[:, 0], NONE, dtype=torch.long)
    if inside_only:
        outside = ((boxes < 0) | (boxes > 1)).any(1)
        found = found.where(~outside, OUTSIDE)
        overlaps = overlaps.where(~outside.unsqueeze(1), 0.0)
    free = overlaps.clone()
    for _ in range(len(objects)):
        best = free.argmax()
        box, object = best // len(objects), best % len(objects)
        found[box] = object.where(free[box, object] > 0, found[box])
        free[box] = 0
        free[:, object] = 0
    most, nearest = overlaps.max(1)
    if threshold is not None:
        takes = (found == NONE) & (most > 0) & (most >= threshold)
        found = nearest.where(takes, found)
    return found, most
