"""What the values of a blob are like, in numbers."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from netdef.ir import Shape
from netdef.weights.weights import Array, Weights

_CHUNK = 65536


@dataclass(frozen=True)
class BlobStatistics:
    """One blob of a weight file.

    Attributes:
        layer: The layer it belongs to.
        index: Its place among the layer's blobs.
        shape: Its shape as stored.
        dtype: How it is stored: "fp32", "fp16", "bf16", "fp64".
        minimum: The smallest of its finite values; None where there is none. So are the next three.
        maximum: The largest.
        mean: Their mean.
        std: Their standard deviation, that of the values themselves (divided by their number).
        sparsity: Share of zeros among all values, from 0 to 1.
        non_finite: How many values are NaN or infinite.
        checksum: The SHA-256 of the values as float32, little-endian, in hexadecimal.
    """

    layer: str
    index: int
    shape: Shape
    dtype: str
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    sparsity: float
    non_finite: int
    checksum: str


def statistics(weights: Weights) -> list[BlobStatistics]:
    """Return the statistics of every blob, in the order of the file."""
    return [
        _of_blob(layer.name, index, layer.dtype(index), blob)
        for layer in weights.layers
        for index, blob in enumerate(layer.blobs)
        if blob is not None
    ]


def checksum(array: Array) -> str:
    """Return the SHA-256 of values as float32, in hexadecimal."""
    raw = np.asarray(array, "<f4", order="C").reshape(-1).view(np.uint8)
    return hashlib.sha256(raw.data).hexdigest()


def _of_blob(layer: str, index: int, dtype: str, blob: Array) -> BlobStatistics:
    flat = blob.reshape(-1)
    low, high, total, zeros, count = np.inf, -np.inf, 0.0, 0, 0
    for part in _finite_parts(flat):
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
            total += float(part.sum(dtype=np.float64))
            zeros += part.size - int(np.count_nonzero(part))
            count += part.size
    mean = total / count if count else None
    # A second pass: the difference of large sums would have no digits left.
    squares = sum(
        float(np.square(part - np.float64(mean or 0.0)).sum()) for part in _finite_parts(flat)
    )
    return BlobStatistics(
        layer=layer,
        index=index,
        shape=blob.shape,
        dtype=dtype,
        minimum=low if count else None,
        maximum=high if count else None,
        mean=mean,
        std=sqrt(squares / count) if count else None,
        sparsity=zeros / flat.size if flat.size else 0.0,
        non_finite=flat.size - count,
        checksum=checksum(blob),
    )


def _finite_parts(flat: Array) -> Iterator[Array]:
    parts = (flat[first : first + _CHUNK] for first in range(0, flat.size, _CHUNK))
    return map(_finite, parts)


def _finite(part: Array) -> Array:
    return part[np.isfinite(part)]
