"""What happens to the images of one data layer between decoding and the net."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netdef.data.augmentation import Augmentation
from netdef.data.parallel import ordered
from netdef.data.randomness import draw
from netdef.data.transformer import check_sizes, transformer
from netdef.ir import Layer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from netdef.data.on_device import DeviceTransformer

_SMALL = 2**14
"""Values of an image up to which a batch is transformed at once: threads would cost more."""


class Preparation:
    """Augmentation and transformation, with random numbers that depend on the record alone.

    Attributes:
        transformer: The transformation.
    """

    def __init__(self, layer: Layer, referring: str | None, seed: int) -> None:
        """Read the mean.

        Args:
            layer: The layer.
            referring: The file of its net, where the mean image is looked for.
            seed: The seed of the run.

        Raises:
            DataFault: The mean image is not there or cannot be read.
        """
        param = layer.message.transform_param
        self.transformer = transformer(param, layer.phase, referring)
        self._seed = seed
        self._stream = f"{layer.name}/transform"
        self._augmentation: Augmentation | None = None
        if layer.phase == "TRAIN" and param.HasField("augmentation_param"):
            self._augmentation = Augmentation(param.augmentation_param, seed, layer.name)
        self.on_device: DeviceTransformer | None = None

    def place(self, device: "torch.device") -> None:
        """Transform whole batches on a device from now on.

        Images of several sizes, and those that are augmented, are still made on the CPU.
        """
        from netdef.data.on_device import DeviceTransformer

        if self._augmentation is None:
            self.on_device = DeviceTransformer(self.transformer, device)

    def __call__(
        self,
        numbers: range,
        images: "np.ndarray | Tensor | Sequence[np.ndarray]",
        labels: np.ndarray,
    ) -> "tuple[np.ndarray | Tensor, np.ndarray]":
        """Prepare a batch.

        Args:
            numbers: The records, counted from the start of the first pass.
            images: (N, C, H, W) of uint8 or float32, a tensor if they are on the device already;
                or images (C, H, W), perhaps of several sizes.
            labels: (N,) of float32.

        Returns:
            Images (N, C, H, W) and labels (N,), both float32; the images on the device, if any.

        Raises:
            DataFault: Images do not fit the crop, the mean, or each other.
        """
        words = self.words(numbers)
        if self.on_device is not None and not isinstance(images, Sequence):
            return self.on_device(images, words), labels
        assert isinstance(images, Sequence | np.ndarray)  # noqa: S101 - tensors only with a device
        if isinstance(images, np.ndarray):
            if self._augmentation is None and images[0].size <= _SMALL:
                return self.transformer(images, words), labels
        else:
            check_sizes(images, cropped=self.transformer.crop is not None)
        out = np.empty((len(images), *self.transformer.shape_for(images[0].shape)), np.float32)
        if self._augmentation is None:
            _all(lambda i: self.transformer.into(out[i], images[i], words[i]), len(images))
            return out, labels
        augmentation, changes = self._augmentation, self._augmentation.drawn(numbers)
        _all(
            lambda i: augmentation.into(out[i], images[i], words[i], self.transformer, changes[i]),
            len(images),
        )
        return out, augmentation.labels(changes, labels)

    def words(self, numbers: range) -> np.ndarray:
        """Return the transformer's random words of records, uint64 of shape (N, 4)."""
        count = numbers.stop - numbers.start
        return draw(self._seed, self._stream, numbers.start, count)[:: numbers.step]


def _all(function: Callable[[int], None], count: int) -> None:
    """Call a function with each number, on all cores."""
    for _ in ordered(function, range(count)):
        pass
