"""Detections drawn into their images."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from netdef.predict.detections import Detection
from netdef.source import replacing

_COLOURS = (
    "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4",
    "#008080", "#9a6324", "#800000", "#808000", "#000075",
)  # fmt: skip
_PAD = 2


def draw_detections(source: Path, found: Sequence[Detection], target: Path) -> None:
    """Write an image with its detections: boxes in a colour per class, with name and score.

    Args:
        source: The image file.
        found: What was found in it.
        target: A PNG, written whole or not at all.

    Raises:
        NetdefError: It cannot be written (rule `cannot-write`).
    """
    with Image.open(source) as opened:
        image = opened.convert("RGB")
    draw = ImageDraw.Draw(image)
    thickness = max(1, round(min(image.size) / 200))
    font = ImageFont.load_default(max(10, min(image.size) / 30))
    for one in reversed(found):  # the best are on top
        colour = _COLOURS[one.number % len(_COLOURS)]
        left, top, right, bottom = one.box
        draw.rectangle(
            (left, top, max(left, right - 1), max(top, bottom - 1)), None, colour, thickness
        )
        text = f"{one.label or one.number} {one.score:.2f}"
        _, _, width, height = draw.textbbox((0, 0), text, font=font)
        x = min(left, max(0, image.width - width - 2 * _PAD))
        y = top - height - 2 * _PAD if top >= height + 2 * _PAD else top
        draw.rectangle((x, y, x + width + 2 * _PAD, y + height + 2 * _PAD), colour)
        draw.text((x + _PAD, y + _PAD), text, "white", font)
    with replacing(target) as temporary:
        image.save(temporary, "png")


def drawn_path(folder: Path, source: Path, taken: set[Path], end: str = "") -> Path:
    """Return where a picture made of an image goes: its name in `folder`, made unique, as PNG."""
    path = folder / f"{source.stem}{end}.png"
    number = 2
    while path in taken:
        path = folder / f"{source.stem}-{number}{end}.png"
        number += 1
    taken.add(path)
    return path
