"""Images that are kept and transformed where the net computes."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from netdef.data.kept_images import LIMIT
from netdef.data.randomness import below, heads
from netdef.data.transformer import Transformer


class DeviceTransformer:
    """What a Transformer does, to whole batches on a device; bit for bit the same numbers.

    Bytes travel there, a quarter of what floats would be.
    """

    def __init__(self, transformer: Transformer, device: torch.device) -> None:
        self.transformer = transformer
        self.device = device

    def __call__(self, images: np.ndarray | Tensor, words: np.ndarray) -> Tensor:
        """Transform images of one size together.

        Args:
            images: (N, C, H, W) of uint8 or float32; a tensor is on the device already.
            words: Random words, uint64 of shape (N, 4).

        Returns:
            float32 of shape (N, C, H, W), or of the crop's rows and columns, on the device.

        Raises:
            DataFault: The images are smaller than the crop; the mean is of another size.
        """
        t = self.transformer
        size = tuple(images.shape[1:])
        mean = t.mean_for(size)
        values = self.uploaded(images) if isinstance(images, np.ndarray) else images
        rows, columns = self._places(size, words)
        at = torch.arange(len(values), device=self.device)[:, None, None, None]
        channels = torch.arange(size[0], device=self.device)[None, :, None, None]
        out = values[at, channels, rows, columns].float()
        if mean is not None:
            means = self.uploaded(mean)
            out = out - (means[channels, rows, columns] if means.shape[1:] != (1, 1) else means)
        return out * np.float32(t.scale).item() if t.scale != 1 else out

    def uploaded(self, array: np.ndarray) -> Tensor:
        """Return an array as a tensor on the device; a GPU copies it while others work."""
        array = np.ascontiguousarray(array)
        tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)

    def _places(self, size: tuple[int, ...], words: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return the rows (N, 1, H, 1) and columns (N, 1, 1, W) that the result is made of."""
        t = self.transformer
        height, width = t.crop or size[1:]
        spare_rows, spare_columns = size[1] - height, size[2] - width
        t.window(size, words[0])  # refuses a crop that does not fit
        first_row = np.full(len(words), spare_rows // 2)
        first_column = np.full(len(words), spare_columns // 2)
        if t.train and t.crop:
            first_row = below(words[:, 1], spare_rows + 1)
            first_column = below(words[:, 2], spare_columns + 1)
        rows = first_row[:, None] + np.arange(height)
        columns = first_column[:, None] + np.arange(width)
        if t.mirror:
            flipped = heads(words[:, 0])
            columns[flipped] = columns[flipped, ::-1]
        return self.uploaded(rows[:, None, :, None]), self.uploaded(columns[:, None, None, :])


class DeviceImages:
    """The decoded images of a small source on a device, kept from their first use on.

    It is used as KeptImages is.
    """

    def __init__(self, size: int, transformer: DeviceTransformer, limit: int = LIMIT) -> None:
        """Keep nothing yet.

        Args:
            size: Number of images in the source.
            transformer: What brings them to the device.
            limit: Bytes that may be kept; what would take more is not kept at all.
        """
        self._size = size
        self._limit = limit
        self._transformer = transformer
        self._images: Tensor | None = None
        self._labels = np.empty(0, np.float32)
        self._there = np.empty(0, bool)

    def find(self, numbers: np.ndarray) -> tuple[Tensor, np.ndarray] | None:
        """Return images (N, C, H, W) on the device and labels (N,), or None unless all are there.

        Args:
            numbers: Their numbers, (N,), from 0; beyond the last the first follows.
        """
        at = numbers % self._size
        if self._images is None or not self._there[at].all():
            return None
        return self._images[self._transformer.uploaded(at)], self._labels[at]

    def keep(
        self, numbers: np.ndarray, images: Sequence[np.ndarray] | np.ndarray, labels: np.ndarray
    ) -> None:
        """Keep images (C, H, W) and labels (N,); forget all when these are of another shape."""
        alike = len({(image.shape, image.dtype) for image in images}) == 1
        if not alike or images[0].nbytes * self._size > self._limit:
            self._images, self._limit = None, 0
            return
        batch = self._transformer.uploaded(np.stack(list(images)))
        if self._images is None:
            shape = (self._size, *batch.shape[1:])
            self._images = torch.empty(shape, dtype=batch.dtype, device=batch.device)
            self._labels = np.empty(self._size, np.float32)
            self._there = np.zeros(self._size, bool)
        if self._images.shape[1:] != batch.shape[1:] or self._images.dtype != batch.dtype:
            self._images, self._limit = None, 0
            return
        at = numbers % self._size
        self._images[self._transformer.uploaded(at)] = batch
        self._labels[at], self._there[at] = labels, True
