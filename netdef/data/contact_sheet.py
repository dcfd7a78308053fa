"""Images of a data set side by side, each with its label."""

from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from netdef.data.examine import Picture
from netdef.source import replacing

_TILE = 96
"""Rows and columns that an image is fitted into, in pixels."""
_TEXT = 18
_GAP = 8
_PAPER, _INK, _EMPTY, _CROSS = "white", "#222222", "#eeeeee", "#c0392b"
_LONGEST_LABEL = 14


def write_sheet(path: Path, pictures: Sequence[Picture], rgb: bool = False) -> None:
    """Write a contact sheet, about as wide as it is high; broken images are crossed out.

    Args:
        path: A PNG, written whole or not at all.
        pictures: The images, at least one.
        rgb: Whether channels are red, green, blue; else blue, green, red.

    Raises:
        NetdefError: It cannot be written (rule `cannot-write`).
    """
    columns = ceil(sqrt(len(pictures)))
    rows = ceil(len(pictures) / columns)
    width, height = _TILE + _GAP, _TILE + _TEXT + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        left, top = _GAP + column * width, _GAP + row * height
        box = (left, top, left + _TILE - 1, top + _TILE - 1)
        if picture.image is None:
            draw.rectangle(box, fill=_EMPTY)
            draw.line(box, fill=_CROSS, width=2)
            draw.line((box[0], box[3], box[2], box[1]), fill=_CROSS, width=2)
        else:
            tile = _tile(picture.image, rgb)
            spare = _TILE - tile.width, _TILE - tile.height
            sheet.paste(tile, (left + spare[0] // 2, top + spare[1] // 2))
        middle = left + _TILE // 2, top + _TILE + _TEXT // 2
        draw.text(middle, picture.label[:_LONGEST_LABEL], fill=_INK, font=font, anchor="mm")
    with replacing(path) as temporary:
        sheet.save(temporary, "png")


def _tile(image: np.ndarray, rgb: bool) -> Any:
    """Return an image (C, H, W) that fits into a tile; small ones show their pixels as squares."""
    tile = Image.fromarray(_colors(image, rgb))
    factor = _TILE / max(tile.size)
    if factor >= 2:
        factor = int(factor)
    size = max(1, round(tile.width * factor)), max(1, round(tile.height * factor))
    way = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX
    return tile.resize(size, way)


def _colors(image: np.ndarray, rgb: bool) -> np.ndarray:
    """Return an image as (H, W) or (H, W, 3) of uint8; floats are stretched to the full range."""
    planes = image[:3] if len(image) >= 3 else image[:1]
    if planes.dtype != np.uint8:
        finite = planes[np.isfinite(planes)].astype(np.float64)
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
        scaled = (np.nan_to_num(planes.astype(np.float64)) - low) * (255 / ((high - low) or 1))
        planes = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    if len(planes) == 1:
        return np.ascontiguousarray(planes[0])
    return np.ascontiguousarray((planes if rgb else planes[::-1]).transpose(1, 2, 0))
