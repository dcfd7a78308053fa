"""Boxes in images, from the rows that SSD's nets put out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netdef.predict.preparation import Picture

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the image file."""


@dataclass(frozen=True)
class Detection:
    """Something found in an image.

    Attributes:
        number: Its class.
        label: The name of the class; "" where none is known.
        score: How sure the net is, 0 to 1.
        box: Where it is, in pixels of the image file, cut to it.
    """

    number: int
    label: str
    score: float
    box: Box


def detections(
    rows: np.ndarray, pictures: list[Picture], labels: Mapping[int, str], threshold: float
) -> list[list[Detection]]:
    """Return what is found in every picture, best first.

    Args:
        rows: (1, 1, R, 7): image, label, score, left, top, right, bottom; corners in 0..1 of what
            the net saw. A row whose label is negative says that nothing was found.
        pictures: The images of the batch.
        labels: The names of classes.
        threshold: The least score.
    """
    found: list[list[Detection]] = [[] for _ in pictures]
    for image, label, score, *corners in rows.reshape(-1, rows.shape[-1]).tolist():
        if label >= 0 and score >= threshold and 0 <= image < len(pictures):
            box = _box(corners, pictures[int(image)])
            name = labels.get(int(label), "")
            found[int(image)].append(Detection(int(label), name, score, box))
    return [sorted(boxes, key=lambda d: -d.score) for boxes in found]


def _box(corners: list[float], picture: Picture) -> Box:
    """Return corners in pixels of the file: what the net saw is a part of the resized image."""
    top, left, rows, columns = picture.window
    height, width = picture.size
    across, down = width / picture.image.shape[2], height / picture.image.shape[1]
    x1, y1, x2, y2 = corners
    return (
        min(max((left + x1 * columns) * across, 0.0), width),
        min(max((top + y1 * rows) * down, 0.0), height),
        min(max((left + x2 * columns) * across, 0.0), width),
        min(max((top + y2 * rows) * down, 0.0), height),
    )
