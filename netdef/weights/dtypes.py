"""The number types that weight files hold; in memory everything is float32."""

from typing import Any

import numpy as np

from netdef.source import NetdefError, error
from netdef.weights.weights import Array, StoredLayer

DTYPES = ("fp32", "fp16", "bf16")
"""Types that can be written."""

_OVERFLOW = {"fp16": 65520.0, "bf16": float(np.uint32(0x7F7F8000).view(np.float32))}
"""The least magnitude that rounds to infinity."""
_SHOWN = {"float16": "fp16", "float32": "fp32", "float64": "fp64"}
_CHUNK = 65536


def show_dtype(dtype: Any) -> str:
    """Return what a numpy type is called here ("fp16"); others keep numpy's name."""
    name = np.dtype(dtype).name
    return _SHOWN.get(name, name)


def as_dtype(array: Array, dtype: str) -> Any:
    """Return values as float32 or float16, contiguous; float32 is not copied."""
    with np.errstate(under="ignore"):
        return np.asarray(array, "<f2" if dtype == "fp16" else "<f4", order="C")


def check_range(path: str, layers: list[StoredLayer], dtype: str) -> None:
    """See that no finite value becomes infinite.

    Raises:
        NetdefError: Some would (rule `dtype-overflow`); the first blob that has one is named.
    """
    limit = _OVERFLOW.get(dtype)
    if limit is None:
        return
    for layer in layers:
        for index, blob in enumerate(layer.blobs):
            largest = 0.0 if blob is None else _largest_finite(blob)
            if largest >= limit:
                text = (
                    f"{path}: blob {index} of layer `{layer.name}` holds {largest:.6g}, which is "
                    f"too large for {dtype}"
                )
                raise NetdefError(error("dtype-overflow", text, note="fp32 holds every value"))


def _largest_finite(array: Array) -> float:
    flat = array.reshape(-1)
    largest = 0.0
    for first in range(0, flat.size, _CHUNK):
        part = np.abs(flat[first : first + _CHUNK])
        largest = max(largest, float(np.max(part, where=np.isfinite(part), initial=0.0)))
    return largest
