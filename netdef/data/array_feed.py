"""Batches of a MemoryData or Input layer, from arrays that the program gives once."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from netdef.data.faults import DataFault
from netdef.data.preparation import Preparation
from netdef.ir import Layer, show_shape

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_IMAGE_AXES = 4


class ArrayFeed:
    """The batches of one layer, cut from arrays in order, over and over.

    Images of a MemoryData layer are treated as its `transform_param` says, as those of any source;
    everything else is taken as it is.

    Attributes:
        own: The block with the layer's own parameters.
        batch_size: Rows per batch.
    """

    def __init__(
        self, layer: Layer, arrays: Mapping[str, Any], referring: str | None, seed: int
    ) -> None:
        """Look at the arrays; they are not copied.

        Args:
            layer: The layer, with its shapes.
            arrays: An array or CPU tensor for each of its tops, items along the first axis.
            referring: The file of its net, where the mean image is looked for.
            seed: The seed of the run.

        Raises:
            DataFault: An array is missing, is empty, or does not fit the layer or the others; the
                mean image is not there.
        """
        images = layer.message.HasField("memory_data_param")
        self.own = "memory_data_param" if images else "input_param"
        self._arrays = [_array(arrays, blob.name) for blob in layer.tops]
        sizes = {len(array) for array in self._arrays}
        if len(sizes) != 1 or not min(sizes):
            text = (
                "the arrays given for one layer need equally many items, at least one; these have "
            )
            text += ", ".join(
                f"`{b.name}` {len(a)}" for b, a in zip(layer.tops, self._arrays, strict=True)
            )
            raise DataFault(text, "shape-mismatch", "top")
        (self._size,) = sizes
        self._prepare = Preparation(layer, referring, seed) if images else None
        if images:
            self.batch_size: int = layer.message.memory_data_param.batch_size
            if self._arrays[0].ndim != _IMAGE_AXES:
                text = f"images are (N, C, H, W), but `{layer.tops[0].name}` is given as "
                raise DataFault(text + show_shape(self._arrays[0].shape), "shape-mismatch", "top")
        else:
            self.batch_size = self._common_batch(layer)

    def _common_batch(self, layer: Layer) -> int:
        first = [(blob.shape or (0,))[0] if blob.shape != () else 0 for blob in layer.tops]
        if len(set(first)) != 1 or not first[0]:
            text = "arrays are cut into batches along the first axis, which the tops do not share"
            note = "give whole batches: a function, or an iterable of dicts"
            raise DataFault(text, "shape-mismatch", "input_param.shape", note)
        for blob, array in zip(layer.tops, self._arrays, strict=True):
            item = tuple((blob.shape or ())[1:])
            if array.shape[1:] != item:
                text = f"items of `{blob.name}` are {show_shape(item)}, but they are given as "
                raise DataFault(
                    text + show_shape(array.shape[1:]), "shape-mismatch", "input_param.shape"
                )
        return first[0]

    def place(self, device: "torch.device") -> None:
        """Transform images on a device from now on."""
        if self._prepare is not None:
            self._prepare.place(device)

    def batch(self, records: range) -> "list[np.ndarray | Tensor]":
        """Return float32 arrays (N, ...), one per top.

        Args:
            records: Numbers of the items, from the start of the first pass.

        Raises:
            DataFault: Images do not fit the crop or the mean.
        """
        at = np.array(records) % self._size
        rows = [array[at] for array in self._arrays]
        if self._prepare is None:
            return [row.astype(np.float32) for row in rows]
        images = rows[0] if rows[0].dtype == np.uint8 else rows[0].astype(np.float32)
        labels = (rows[1] if len(rows) > 1 else np.zeros(len(at))).reshape(len(at), -1)[:, 0]
        return list(self._prepare(records, images, labels.astype(np.float32)))[: len(rows)]

    def close(self) -> None:
        """Nothing is open."""


def _array(arrays: Mapping[str, Any], name: str) -> np.ndarray:
    if name not in arrays:
        raise DataFault(f"no array is given for `{name}`", "missing-input", "top")
    array = np.asarray(arrays[name])
    if not array.ndim or array.dtype.kind not in "fiub":
        raise DataFault(f"what is given for `{name}` is no array of numbers", "bad-value", "top")
    return array
