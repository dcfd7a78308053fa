"""What is done to images between the source and the net: crop, mean, scale, mirror."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netdef.data.faults import DataFault, missing
from netdef.data.randomness import below, heads
from netdef.source import NetdefError
from netdef.source.locate import locate
from netdef.weights.binaryproto import read_mean

_SUPPORTED = {
    "scale", "mirror", "crop_size", "mean_file", "mean_value", "force_color", "force_gray",
    "crop_h", "crop_w",
}  # fmt: skip
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

    def __call__(self, images: np.ndarray | Sequence[np.ndarray], words: np.ndarray) -> np.ndarray:
        """Transform a batch.

        Args:
            images: (N, C, H, W) of uint8 or float32, or images (C, H, W) of several sizes.
            words: Random words, uint64 of shape (N, 4).

        Returns:
            float32 of shape (N, C, H, W), or of the crop's rows and columns.

        Raises:
            DataFault: An image is smaller than the crop; the mean is of another size; sizes differ
                and there is no crop to make them equal.
        """
        if not isinstance(images, np.ndarray):
            return self._one_by_one(images, words)
        size = images.shape[1:]
        mean = self._mean_for(size)
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

    def _one_by_one(self, images: Sequence[np.ndarray], words: np.ndarray) -> np.ndarray:
        whole = {image.shape if self.crop is None else image.shape[:1] for image in images}
        if len(whole) > 1:
            text = f"a batch holds images of {_show(images[0].shape)} and of "
            text += _show(next(i.shape for i in images if i.shape != images[0].shape))
            note = "`crop_size` makes rows and columns equal, force_color and force_gray channels"
            raise DataFault(text, "shape-mismatch", note=note)
        out = [self(image[None], words[i : i + 1]) for i, image in enumerate(images)]
        return np.concatenate(out)

    def _mean_for(self, size: tuple[int, ...]) -> np.ndarray | None:
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

    def _offsets(
        self, size: tuple[int, ...], words: np.ndarray
    ) -> tuple[np.ndarray | int, np.ndarray | int]:
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
        DataFault: A field is not supported, or the mean image is not there or cannot be read.
    """
    for field, _ in param.ListFields():
        if field.name not in _SUPPORTED:
            text = f"`{field.name}` is not supported for this layer type"
            raise DataFault(text, "unsupported", f"transform_param.{field.name}")
    rows, columns = param.crop_h or param.crop_size, param.crop_w or param.crop_size
    return Transformer(
        scale=param.scale,
        mirror=param.mirror,
        crop=(rows, columns) if rows else None,
        mean=_mean(param, referring),
        train=phase == "TRAIN",
    )


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
