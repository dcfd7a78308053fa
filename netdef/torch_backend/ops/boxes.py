"""Geometry of boxes [xmin, ymin, xmax, ymax] in units of the image, without a pixel added.

Prior boxes, their variances, boxes and offsets are (..., 4) and broadcast against each other. The
codes are SSD's (Liu et al., "SSD: Single Shot MultiBox Detector", 2016):

- CORNER: offsets of the corners.
- CENTER_SIZE: offsets of the centre in sizes of the prior box, and logarithms of the size's ratio.
- CORNER_SIZE: offsets of the corners in sizes of the prior box.

Each is divided by the variances, unless those are in the target already.
"""

import torch
from torch import Tensor


def decode(
    priors: Tensor,
    variances: Tensor,
    offsets: Tensor,
    code_type: str = "CORNER",
    variance_in_target: bool = False,
) -> Tensor:
    """Return the boxes that offsets from prior boxes stand for."""
    if not variance_in_target:
        offsets = offsets * variances
    if code_type == "CORNER":
        return priors + offsets
    size = _size(priors)
    if code_type == "CORNER_SIZE":
        return priors + offsets * torch.cat([size, size], -1)
    center = _center(priors) + offsets[..., :2] * size
    half = offsets[..., 2:].exp() * size / 2
    return torch.cat([center - half, center + half], -1)


def encode(
    priors: Tensor,
    variances: Tensor,
    boxes: Tensor,
    code_type: str = "CORNER",
    variance_in_target: bool = False,
) -> Tensor:
    """Return the offsets from prior boxes that stand for boxes."""
    if code_type == "CORNER":
        offsets = boxes - priors
    else:
        size = _size(priors)
        if code_type == "CORNER_SIZE":
            offsets = (boxes - priors) / torch.cat([size, size], -1)
        else:
            moved = (_center(boxes) - _center(priors)) / size
            offsets = torch.cat([moved, (_size(boxes) / size).log()], -1)
    return offsets if variance_in_target else offsets / variances


def area(boxes: Tensor) -> Tensor:
    """Return the areas, (...); a box whose edges are crossed has none."""
    return _product(_size(boxes))


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Return intersection over union, (...); 0 where the boxes do not overlap."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = _product(high - low)
    union = area(a) + area(b) - shared
    return (shared / union).where(shared > 0, 0.0)


def _product(size: Tensor) -> Tensor:
    width, height = size.clamp(min=0).unbind(-1)
    return width * height


def _size(boxes: Tensor) -> Tensor:
    return boxes[..., 2:] - boxes[..., :2]


def _center(boxes: Tensor) -> Tensor:
    return (boxes[..., :2] + boxes[..., 2:]) / 2
