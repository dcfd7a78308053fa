"""Two weight files, blob by blob."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from netdef.ir import Shape
from netdef.weights.weights import Array, StoredLayer, Weights

_CHUNK = 65536


@dataclass(frozen=True)
class BlobDifference:
    """How one blob of two files differs.

    Attributes:
        layer: The layer it belongs to.
        index: Its place among the layer's blobs.
        shapes: Its shape in either file; None where a file does not have it.
        values: How many of the values differ, where the shapes agree.
        largest: The largest difference, where the shapes agree; None also where a value is NaN or
            infinite in one file only.
    """

    layer: str
    index: int
    shapes: tuple[Shape | None, Shape | None]
    values: int = 0
    largest: float | None = None

    @property
    def equal(self) -> bool:
        """Whether there is no difference."""
        return self.values == 0 and self.largest == 0


def compare(first: Weights, second: Weights) -> list[BlobDifference]:
    """Compare weights by layer name and place, in the order of the first.

    Old shapes (num, channels, height, width) agree with what they are but for 1s on the left. Two
    NaN are equal.
    """
    ours, theirs = _places(first), _places(second)
    return [
        _difference(place, ours.get(place), theirs.get(place))
        for place in dict.fromkeys((*ours, *theirs))
    ]


_Place = tuple[str, int]
_Found = tuple[Array, bool]


def _places(weights: Weights) -> dict[_Place, _Found]:
    """Return every blob, and whether its shape is an old one; of layers of one name the last's."""

    def found(layer: StoredLayer) -> dict[_Place, _Found]:
        blobs = enumerate(layer.blobs)
        return {(layer.name, i): (b, i in layer.legacy) for i, b in blobs if b is not None}

    return {place: blob for layer in weights.layers for place, blob in found(layer).items()}


def _difference(place: _Place, ours: _Found | None, theirs: _Found | None) -> BlobDifference:
    shapes = (ours and ours[0].shape, theirs and theirs[0].shape)
    if ours is None or theirs is None or not _same_shape(ours, theirs):
        return BlobDifference(*place, shapes=(shapes[0], shapes[1]))
    values, largest = _values(ours[0].reshape(-1), theirs[0].reshape(-1))
    return BlobDifference(*place, (shapes[0], shapes[1]), values, largest)


def _same_shape(ours: _Found, theirs: _Found) -> bool:
    if ours[0].shape == theirs[0].shape:
        return True
    return (ours[1] or theirs[1]) and _from_left(ours[0].shape) == _from_left(theirs[0].shape)


def _from_left(shape: Shape) -> Shape:
    """Return a shape without the 1s it begins with."""
    start = next((axis for axis, size in enumerate(shape) if size != 1), len(shape))
    return shape[start:]


def _values(ours: Array, theirs: Array) -> tuple[int, float | None]:
    count, largest = 0, 0.0
    for first in range(0, ours.size, _CHUNK):
        a, b = ours[first : first + _CHUNK], theirs[first : first + _CHUNK]
        differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        if differ.any():
            count += int(np.count_nonzero(differ))
            with np.errstate(invalid="ignore"):
                gaps = np.abs(a[differ].astype(np.float64) - b[differ])
            largest = max(largest, float(gaps.max())) if isfinite(gaps.max()) else np.inf
    return count, largest if isfinite(largest) else None
