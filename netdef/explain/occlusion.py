"""How much a score falls when a part of the image is covered.

Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from netdef.explain.score import Score
from netdef.source import NetdefError, error
from netdef.torch_backend.executable import Executable

_BATCH = 64
"""Covered images at a time."""


def occlusion(
    exe: Executable,
    feed: Mapping[str, Any],
    blob: str,
    score: Score,
    patch: int,
    stride: int,
    fill: float = 0.0,
) -> Tensor:
    """Return by how much covering each pixel lowers a score, (H, W), of one image.

    Every patch that fits into the image covers it once; the last ones of a row or column end at the
    border. A pixel has the mean over the patches that cover it.

    Args:
        exe: The net.
        feed: Its inputs, of one image.
        blob: The input (1, C, H, W) that is covered.
        score: The score.
        patch: Rows and columns of the patch.
        stride: Pixels from one patch to the next.
        fill: What it is covered with, as the net sees it: 0 is the mean, where one is subtracted.

    Raises:
        NetdefError: The patch is larger than the image (rule `cannot-explain`).
    """
    x = torch.as_tensor(feed[blob]).to(exe.device, torch.float32)
    height, width = x.shape[2:]
    if patch > min(height, width):
        text = f"a patch of {patch} x {patch} does not fit into an image of {height} x {width}"
        raise NetdefError(error("cannot-explain", text))
    places = [(r, c) for r in _starts(height, patch, stride) for c in _starts(width, patch, stride)]
    fall, times = torch.zeros(height, width), torch.zeros(height, width)
    with torch.no_grad():
        whole = float(score.of(exe, feed)[0])
        for start in range(0, len(places), _BATCH):
            some = places[start : start + _BATCH]
            covered = x.repeat(len(some), 1, 1, 1)
            for image, (row, column) in zip(covered, some, strict=True):
                image[:, row : row + patch, column : column + patch] = fill
            found = score.of(exe, {**feed, blob: covered}).float().cpu()
            for value, (row, column) in zip(found.tolist(), some, strict=True):
                part = slice(row, row + patch), slice(column, column + patch)
                fall[part] += whole - value
                times[part] += 1
    return fall / times.clamp(min=1)


def _starts(size: int, patch: int, stride: int) -> list[int]:
    """Return where patches begin along an axis; the last one ends at the border."""
    last = size - patch
    starts = list(range(0, last + 1, stride))
    return starts if starts[-1] == last else [*starts, last]
