"""What is done to images between the source and the net: crop, mean, scale, mirror."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netdef.data.faults import DataFault, missing
from netdef.data.randomness import below, heads
from netdef.ir import Shape
from netdef.source import NetdefError
from netdef.source.locate import locate
from netdef.weights.binaryproto import read_mean

_MEAN_FILE = "transform_param.mean_file"


@dataclass(frozen=True)
class Transformer:
    """Images to what the net sees: flip((crop(pixel) - crop(mean)) * scale).

    The crop is at a random place when training, else in the centre (rounded to the upper left);
    a mean image is cropped at the same place. Each image has four random words, of which the first
    says whether it is flipped, the second and third where it is cropped (row, column).

    Attributes:
        scale: Factor, after the mean is subtracted.
        mirror: Whether half of the images are flipped left to right, in every phase.
        crop: Rows and columns of the crop; None leaves images whole.
        mean: The mean, float32: (C, H, W) of the images before cropping, or one value per channel
            (C, 1, 1), or one for all (1, 1, 1). None subtracts nothing.
        train: Whether crops are at random places.
    """

    scale: float = 1.0
    mirror: bool = False
    crop: tuple[int, int] | None = None
    mean: np.ndarray | None = None
    train: bool = False

    def __call__(self, images: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Transform images of one size together.

        Args:
            images: (N, C, H, W) of uint8 or float32.
            words: Random words, uint64 of shape (N, 4).

        Returns:
            float32 of shape (N, C, H, W), or of the crop's rows and columns.

        Raises:
            DataFault: The images are smaller than the crop; the mean is of another size.
        """
        size = images.shape[1:]
        mean = self.mean_for(size)
        if self.crop:
            rows, columns = self._offsets(size, words)
            images = _cut(images, rows, columns, self.crop)
            if mean is not None and mean.shape[1:] != (1, 1):
                mean = _cut(mean[None], rows, columns, self.crop)
        out = images.astype(np.float32, order="C")
        if mean is not None:
            out -= mean
        if self.scale != 1:
            out *= np.float32(self.scale)
        if self.mirror:
            flipped = heads(words[:, 0])
            out[flipped] = out[flipped, :, :, ::-1]
        return out

    def into(self, out: np.ndarray, image: np.ndarray, words: np.ndarray) -> None:
        """Transform one image, with the result that it has among others.

        Args:
            out: Where it goes, float32 of the shape that `shape_for` tells.
            image: (C, H, W) of uint8 or float32, any strides.
            words: Random words, uint64 of shape (4,).

        Raises:
            DataFault: As for many.
        """
        mean = self.mean_for(image.shape)
        row, column, height, width = self.window(image.shape, words)
        cut = image[:, row : row + height, column : column + width]
        if mean is not None and mean.shape[1:] != (1, 1):
            mean = mean[:, row : row + height, column : column + width]
        target = self.flipped(out, words)
        if mean is None:
            target[...] = cut
        else:
            np.subtract(cut, mean, out=target)
        if self.scale != 1:
            out *= np.float32(self.scale)

    def flipped(self, out: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Return (C, H, W) as it is, or seen from behind when the image is flipped."""
        return out[:, :, ::-1] if self.mirror and heads(words[0]) else out

    def shape_for(self, size: Shape) -> Shape:
        """Return what an image (C, H, W) becomes."""
        return (size[0], *(self.crop or size[1:]))

    def window(self, size: Shape, words: np.ndarray) -> tuple[int, int, int, int]:
        """Return first row, first column, rows and columns of the crop of an image (C, H, W).

        Raises:
            DataFault: The image is smaller than the crop.
        """
        if self.crop is None:
            return 0, 0, size[1], size[2]
        row, column = self._offsets(size, words[None])
        return int(np.ravel(row)[0]), int(np.ravel(column)[0]), *self.crop

    def mean_for(self, size: Shape) -> np.ndarray | None:
        """Return the mean of images (C, H, W).

        Raises:
            DataFault: It is of another size.
        """
        mean = self.mean
        if mean is None or mean.shape == size:
            return mean
        if mean.shape[1:] != (1, 1):
            text = f"the mean image is {_show(mean.shape)}, but the images are {_show(size)}"
            raise DataFault(text, "shape-mismatch", _MEAN_FILE)
        if len(mean) not in (1, size[0]):
            text = f"{len(mean)} mean values for {size[0]} channels; give one, or one per channel"
            raise DataFault(text, "bad-value", "transform_param.mean_value")
        return mean

    def _offsets(self, size: Shape, words: np.ndarray) -> tuple[np.ndarray | int, np.ndarray | int]:
        assert self.crop is not None  # noqa: S101 - asked only where there is a crop
        spare_rows, spare_columns = size[1] - self.crop[0], size[2] - self.crop[1]
        if spare_rows < 0 or spare_columns < 0:
            text = f"a crop of {_show(self.crop)} from an image of {_show(size[1:])}"
            raise DataFault(text, "bad-value", "transform_param.crop_size")
        if not self.train:
            return spare_rows // 2, spare_columns // 2
        return below(words[:, 1], spare_rows + 1), below(words[:, 2], spare_columns + 1)


def transformer(param: Any, phase: str, referring: str | None) -> Transformer:
    """Return the transformer that a layer's transform_param describes.

    Args:
        param: The TransformationParameter.
        phase: "TRAIN" or "TEST".
        referring: The file of the net, where mean_file is looked for.

    Raises:
        DataFault: The mean image is not there or cannot be read.
    """
    rows, columns = param.crop_h or param.crop_size, param.crop_w or param.crop_size
    return Transformer(
        scale=param.scale,
        mirror=param.mirror,
        crop=(rows, columns) if rows else None,
        mean=_mean(param, referring),
        train=phase == "TRAIN",
    )


def check_sizes(images: Sequence[np.ndarray], cropped: bool) -> None:
    """See that images (C, H, W) make one batch.

    Raises:
        DataFault: Their channels differ, or their sizes, and there is no crop to make them equal.
    """
    if len({image.shape[:1] if cropped else image.shape for image in images}) > 1:
        text = f"a batch holds images of {_show(images[0].shape)} and of "
        text += _show(next(i.shape for i in images if i.shape != images[0].shape))
        note = "`crop_size` makes rows and columns equal, force_color and force_gray channels"
        raise DataFault(text, "shape-mismatch", note=note)


def _mean(param: Any, referring: str | None) -> np.ndarray | None:
    if param.mean_value:
        return np.array(param.mean_value, np.float32)[:, None, None]
    if not param.HasField("mean_file"):
        return None
    path = locate(param.mean_file, referring)
    if path is None:
        raise missing("the mean image", param.mean_file, referring, _MEAN_FILE)
    try:
        return read_mean(path)
    except NetdefError as fault:
        found = fault.diagnostics[0]
        raise DataFault(found.message, found.rule, _MEAN_FILE, found.note) from None


def _cut(
    images: np.ndarray, rows: np.ndarray | int, columns: np.ndarray | int, crop: tuple[int, int]
) -> np.ndarray:
    """Return the windows of (N, C, H, W) that start at the given rows and columns.

    One image is cut at every place when there is one image and several places.
    """
    if isinstance(rows, int) and isinstance(columns, int):
        return images[:, :, rows : rows + crop[0], columns : columns + crop[1]]
    windows = np.lib.stride_tricks.sliding_window_view(images, crop, axis=(2, 3))
    which = np.arange(len(images)) if len(images) > 1 else 0
    return windows[which, :, rows, columns]


def _show(size: Sequence[int]) -> str:
    return " x ".join(str(d) for d in size)
