"""NaN and infinite values: a warning, since a file that holds some is whole nevertheless."""

import numpy as np

from netdef.source import Diagnostic, warning
from netdef.weights.weights import Array

_CHUNK = 65536


def count_non_finite(array: Array) -> int:
    """Return how many values are NaN or infinite."""
    flat = array.reshape(-1)
    parts = (flat[first : first + _CHUNK] for first in range(0, flat.size, _CHUNK))
    return sum(part.size - int(np.count_nonzero(np.isfinite(part))) for part in parts)


class NonFinite:
    """Collects what is not finite in a file, for one warning about all of it."""

    def __init__(self) -> None:
        self.blobs = 0
        self.first = ""

    def add(self, layer: str, index: int, count: int) -> None:
        """Note that blob `index` of `layer` has `count` such values."""
        if not count:
            return
        if not self.blobs:
            self.first = f"{count:,} in blob {index} of layer `{layer}`"
        self.blobs += 1

    def warnings(self, path: str) -> list[Diagnostic]:
        """Return the warning, if there is cause for one."""
        if not self.blobs:
            return []
        more = f", and more in {_blobs(self.blobs - 1)}" if self.blobs > 1 else ""
        text = f"{path} holds values that are NaN or infinite: {self.first}{more}"
        return [warning("non-finite-weights", text)]


def _blobs(count: int) -> str:
    return "one other blob" if count == 1 else f"{count} other blobs"
