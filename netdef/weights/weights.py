"""Weights in memory: what a weight file holds, as plain data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netdef.source import Diagnostic

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class StoredLayer:
    """One layer of a weight file.

    Attributes:
        name: The name weights are found by.
        blobs: Its arrays in Caffe's order, float32; None in the place of a shared parameter that
            the file keeps only with its owner.
        type: Its type as the file has it: "Convolution", in older formats "CONVOLUTION" or "conv";
            "" where the file does not say.
        legacy: Indices of the blobs whose shape was stored as num/channels/height/width. Such a
            shape matches after the net's own is padded with 1s on the left; others must be equal.
        settings: The LayerParameter without its blobs, as bytes; b"" where there is none.
        dtypes: How the file holds each blob ("fp32", "fp16", "bf16", "fp64"); () if all are fp32.
        extras: Index of a blob -> its fields that nobody here knows, as bytes.
    """

    name: str
    blobs: tuple[Array | None, ...] = ()
    type: str = ""
    legacy: frozenset[int] = frozenset()
    settings: bytes = b""
    dtypes: tuple[str, ...] = ()
    extras: Mapping[int, bytes] = field(default_factory=dict[int, bytes])

    def dtype(self, index: int) -> str:
        """Return how the file holds blob `index`."""
        return self.dtypes[index] if index < len(self.dtypes) else "fp32"

    @property
    def has_blobs(self) -> bool:
        """Whether it holds any values."""
        return any(blob is not None for blob in self.blobs)


class Weights(Mapping[str, tuple[Array | None, ...]]):
    """What a weight file holds: layer name -> its arrays in Caffe's order.

    Layers without parameters are keys too, with an empty tuple. Of layers with one name the last
    counts here; `layers` has them all.

    Attributes:
        layers: The layers in the order of the file.
        path: The file they came from, as the user wrote it; "" if none.
        name: The name of the net they were written from; "" if not known.
        omits_shared: Whether the format keeps a shared parameter only with its owner (HDF5,
            safetensors), so that a sharing layer may have fewer blobs.
        diagnostics: Warnings found on reading (rule `non-finite-weights`).
        settings: What a .caffemodel holds beside its name and layers, as bytes.
    """

    def __init__(
        self,
        layers: Iterable[StoredLayer],
        *,
        path: str = "",
        name: str = "",
        omits_shared: bool = False,
        diagnostics: Iterable[Diagnostic] = (),
        settings: bytes = b"",
    ) -> None:
        """Hold the layers of a weight file."""
        self.layers = tuple(layers)
        self.path = path
        self.name = name
        self.omits_shared = omits_shared
        self.diagnostics = tuple(diagnostics)
        self.settings = settings
        self._by_name = {layer.name: layer for layer in self.layers}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Sequence[Any]], name: str = "") -> "Weights":
        """Return weights that hold `arrays`: layer name -> arrays in Caffe's order.

        What is float32 and contiguous already is not copied. A `Weights` is returned as it is.
        """
        if isinstance(arrays, Weights):
            return arrays
        layers = (StoredLayer(key, tuple(map(_as_float32, blobs))) for key, blobs in arrays.items())
        return cls(layers, name=name)

    def with_layers(self, layers: Iterable[StoredLayer]) -> "Weights":
        """Return what is the same but for its layers."""
        return Weights(
            layers,
            path=self.path,
            name=self.name,
            omits_shared=self.omits_shared,
            diagnostics=self.diagnostics,
            settings=self.settings,
        )

    def layer(self, name: str) -> StoredLayer:
        """Return the layer of this name.

        Raises:
            KeyError: There is none.
        """
        return self._by_name[name]

    def is_legacy(self, name: str, index: int) -> bool:
        """Whether the shape of blob `index` of layer `name` was num/channels/height/width."""
        return index in self._by_name[name].legacy

    def __getitem__(self, name: str) -> tuple[Array | None, ...]:
        return self._by_name[name].blobs

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        origin = f" from {self.path!r}" if self.path else ""
        return f"<Weights of {len(self)} layers{origin}>"


def _as_float32(array: Any) -> Array | None:
    # Not ascontiguousarray: it makes a scalar one-dimensional.
    return None if array is None else np.asarray(array, np.float32, order="C")


def decode_name(raw: bytes) -> str:
    """Return a name: UTF-8, or Latin-1 where it is not, which is also how prototxt is read."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
