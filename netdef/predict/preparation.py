"""From an image file to what the net sees."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netdef.data.datum import Color, pixels, shape
from netdef.data.faults import DataFault
from netdef.data.image_lines import content_of
from netdef.data.resizing import resized
from netdef.data.transformer import Transformer
from netdef.ir import Blob
from netdef.predict.recipe import Recipe, Size
from netdef.schema import pb
from netdef.source import NetdefError, error
from netdef.source.locate import shown

TEN = 10
"""Crops of one image that `oversample` takes."""

_COLORS = {1: Color.GRAY, 3: Color.COLOR}


@dataclass(frozen=True)
class Picture:
    """An image file, read and resized.

    Attributes:
        path: The file.
        size: Its rows and columns.
        image: What the crops are taken from, (C, H, W) of uint8, channels in the net's order.
        window: First row and column, rows and columns of the part that the net sees, of `image`; of
            ten, the one in the centre.
    """

    path: Path
    size: Size
    image: np.ndarray
    window: tuple[int, int, int, int]


@dataclass(frozen=True)
class Preparation:
    """Images as a net wants them: resized, mean subtracted, scaled, cropped.

    Attributes:
        blob: The name of the net's input.
        color: Whether files are read with one channel or three.
        resize: Rows and columns that a whole image is resized to; None leaves it as it is.
        crop: Rows and columns of what the net sees.
        transformer: Mean and scale.
        rgb: Whether the net wants red, green, blue; as a rule it is blue, green, red.
        oversample: Whether ten crops of each image are taken: corners, centre, and these mirrored.
    """

    blob: str
    color: Color
    resize: Size | None
    crop: Size
    transformer: Transformer
    rgb: bool = False
    oversample: bool = False

    @property
    def copies(self) -> int:
        """How many crops are made of an image."""
        return TEN if self.oversample else 1

    def read(self, path: Path) -> Picture:
        """Read an image file and resize it.

        Raises:
            NetdefError: It is not there or no image of 8 bits per channel, or smaller than the crop
                (rule `bad-image`).
        """
        try:
            file = pb.Datum(data=content_of(path), encoded=True)
            shape(file)  # refuses what has more than 8 bits per channel
            whole = pixels(file, self.color)
        except DataFault as fault:
            raise NetdefError(error("bad-image", f"{shown(path)} {fault}")) from None
        image = whole[::-1] if self.rgb else whole
        image = resized(image, *self.resize) if self.resize else image
        spare = image.shape[1] - self.crop[0], image.shape[2] - self.crop[1]
        if min(spare) < 0:
            text = f"a crop of {_show(self.crop)} from {shown(path)} of {_show(image.shape[1:])}"
            note = "--resize HxW makes images larger"
            raise NetdefError(error("bad-image", text, note=note))
        size = whole.shape[1], whole.shape[2]
        return Picture(path, size, image, (spare[0] // 2, spare[1] // 2, *self.crop))

    def seen(self, picture: Picture) -> np.ndarray:
        """Return what the net sees of a picture: float32 (1 or 10, C, H, W).

        As in training, the mean image is subtracted where the crop lies, before it is mirrored.

        Raises:
            NetdefError: The mean is of another size (rules `shape-mismatch`, `bad-value`).
        """
        try:
            values = self.transformer(picture.image[None], np.zeros((1, 4), np.uint64))[0]
        except DataFault as fault:
            note = "--resize gives images the size of the mean image"
            raise NetdefError(error(fault.rule, str(fault), note=note)) from None
        rows, columns = self.crop
        if not self.oversample:
            top, left = picture.window[:2]
            return values[None, :, top : top + rows, left : left + columns]
        bottom, right = values.shape[1] - rows, values.shape[2] - columns
        places = [(0, 0), (0, right), (bottom, 0), (bottom, right), picture.window[:2]]
        crops = np.stack([values[:, y : y + rows, x : x + columns] for y, x in places])
        return np.concatenate([crops, crops[:, :, :, ::-1]])


def preparation(
    blob: Blob, recipe: Recipe, tell: Callable[[str], None] | None = None
) -> Preparation:
    """Return how images are made ready for an input.

    They are cropped to the recipe's crop or the input's size. Before, they are resized as the
    recipe says, or to the size of its mean image, or else straight to what the net sees.

    Args:
        blob: The input, (N, C, H, W).
        recipe: What is known of how the net was trained.
        tell: Is told in a line what is done.

    Raises:
        NetdefError: The net does not read grey or colour images, or ten crops would be one.
    """
    _, channels, rows, columns = blob.shape or (0, 0, 0, 0)
    if channels not in _COLORS:
        text = f"the input `{blob.name}` has {channels} channels; images have 1 or 3"
        note = f"give an array with --input {blob.name}=FILE.npy"
        raise NetdefError(error("no-image-input", text, note=note))
    mean = recipe.mean
    whole = None if mean is None or mean.shape[1:] == (1, 1) else (mean.shape[1], mean.shape[2])
    crop = recipe.crop or (rows, columns)
    resize = recipe.resize or whole or crop
    if recipe.oversample and resize == crop:
        text = (
            f"ten crops of {_show(crop)} from images of {_show(resize)} would be one and the same"
        )
        raise NetdefError(error("bad-value", text, note="give --resize, or a smaller --crop"))
    if recipe.rgb and channels != 3:
        text = f"the input `{blob.name}` has one channel; none can be swapped"
        raise NetdefError(error("bad-value", text))
    if tell is not None:
        tell(_told(recipe, resize, crop))
    transformer = Transformer(scale=recipe.scale, mean=mean)
    color = _COLORS[channels]
    return Preparation(blob.name, color, resize, crop, transformer, recipe.rgb, recipe.oversample)


def _told(recipe: Recipe, resize: Size, crop: Size) -> str:
    parts = [f"resized to {_show(resize)}"]
    if resize != crop:
        parts.append(f"cropped to {_show(crop)}" + (" ten times" if recipe.oversample else ""))
    if recipe.mean is not None:
        image = recipe.mean.shape[1:] != (1, 1)
        values = ", ".join(f"{value:g}" for value in recipe.mean.ravel()[:4])
        parts.append(f"minus {'a mean image' if image else values}")
    if recipe.scale != 1:
        parts.append(f"times {recipe.scale:g}")
    if recipe.rgb:
        parts.append("red first")
    return f"images are {', '.join(parts)} ({recipe.origin})"


def _show(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))
