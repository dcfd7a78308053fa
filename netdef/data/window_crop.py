"""Cutting a window from an image, with what surrounds it, for R-CNN.

The arithmetic is that of the reference's WindowData, in single precision and rounded as C does.
"""

from dataclasses import dataclass
from math import copysign, floor

import numpy as np

from netdef.data.faults import DataFault
from netdef.data.resizing import resized
from netdef.data.transformer import Transformer

_f = np.float32


@dataclass(frozen=True)
class _Part:
    """The part of a widened window that lies in the image, and where it goes in the crop."""

    x1: int
    y1: int
    x2: int
    y2: int
    left: int
    right: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class WindowCrop:
    """How windows become squares of one size.

    Attributes:
        context_pad: Pixels of the crop, on every side, that show what surrounds the window.
        square: Whether a window is widened to a square first; otherwise it is stretched.
    """

    context_pad: int = 0
    square: bool = False

    def into(
        self,
        out: np.ndarray,
        image: np.ndarray,
        corners: np.ndarray,
        transformer: Transformer,
        flip: bool,
    ) -> None:
        """Cut, resize, flip, subtract the mean, scale.

        A mean image is subtracted at its own centre, unflipped. What lies outside the image stays
        as it is in `out`.

        Args:
            out: Where it goes, (C, side, side) of float32, zeros.
            image: (C, H, W) of uint8.
            corners: x1, y1, x2, y2 of the window, in pixels from 0, both within it.
            transformer: Mean and scale.
            flip: Whether to flip left to right.

        Raises:
            DataFault: The window lies outside the image, or the mean image is smaller than the
                crop.
        """
        side = out.shape[1]
        part = self._part(corners, image.shape[1], image.shape[2], side)
        rows, columns = image.shape[1:]
        if not (0 <= part.x1 <= part.x2 < columns and 0 <= part.y1 <= part.y2 < rows):
            text = f"has {rows} x {columns} pixels (rows x columns), but a window from "
            raise DataFault(text + "({}, {}) to ({}, {})".format(*corners.tolist()))
        left = part.right if flip else part.left
        # Rounded sizes may exceed the crop by a pixel.
        height, width = min(part.height, side - part.top), min(part.width, side - left)
        if height < 1 or width < 1:
            return
        cut = image[:, part.y1 : part.y2 + 1, part.x1 : part.x2 + 1]
        warped = resized(cut, height, width)
        if flip:
            warped = warped[:, :, ::-1]
        place = np.s_[:, part.top : part.top + height, left : left + width]
        seen = warped.astype(np.float32)
        mean = _mean(transformer, len(image), side)
        if mean is not None:
            seen -= mean[place] if mean.shape[1:] != (1, 1) else mean
        out[place] = seen * _f(transformer.scale)

    def _part(self, corners: np.ndarray, rows: int, columns: int, side: int) -> _Part:
        x1, y1, x2, y2 = corners.tolist()
        if not self.context_pad and not self.square:
            return _Part(x1, y1, x2, y2, 0, 0, 0, side, side)
        around = _f(side) / _f(side - 2 * self.context_pad)
        half_height, half_width = _f(y2 - y1 + 1) / _f(2), _f(x2 - x1 + 1) / _f(2)
        middle_x, middle_y = _f(x1) + half_width, _f(y1) + half_height
        if self.square:
            half_height = half_width = max(half_height, half_width)
        x1, x2 = _round(middle_x - half_width * around), _round(middle_x + half_width * around)
        y1, y2 = _round(middle_y - half_height * around), _round(middle_y + half_height * around)
        across, down = _f(side) / _f(x2 - x1 + 1), _f(side) / _f(y2 - y1 + 1)
        left, right = max(0, -x1), max(0, x2 - columns + 1)
        top, bottom = max(0, -y1), max(0, y2 - rows + 1)
        x1, x2, y1, y2 = x1 + left, x2 - right, y1 + top, y2 - bottom
        return _Part(
            x1, y1, x2, y2,
            left=_round(_f(left) * across),
            right=_round(_f(right) * across),
            top=_round(_f(top) * down),
            width=_round(_f(x2 - x1 + 1) * across),
            height=_round(_f(y2 - y1 + 1) * down),
        )  # fmt: skip


def _mean(transformer: Transformer, channels: int, side: int) -> np.ndarray | None:
    """Return the mean of the crop: (C, side, side), (C, 1, 1), or None."""
    mean = transformer.mean
    if mean is None or mean.shape[1:] == (1, 1):
        return mean
    rows, columns = mean.shape[1:]
    if len(mean) != channels or min(rows, columns) < side:
        text = f"the mean image is {len(mean)} x {rows} x {columns}, less than the crop"
        raise DataFault(text, "shape-mismatch", "transform_param.mean_file")
    top, left = (rows - side) // 2, (columns - side) // 2
    return mean[:, top : top + side, left : left + side]


def _round(value: np.float32) -> int:
    """Round to the nearest whole number, halves away from 0."""
    return int(copysign(floor(abs(float(value)) + 0.5), float(value)))
