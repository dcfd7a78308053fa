"""The mean image of a database, as Caffe's compute_image_mean."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from netdef.data.datum import parse, pixels, stack
from netdef.data.faults import DataFault
from netdef.data.lmdb_source import Record, show_key
from netdef.data.parallel import ordered
from netdef.data.records import naming, open_records
from netdef.data.tracking import Track, untracked
from netdef.ir import Shape, show_shape
from netdef.source import NetdefError, error
from netdef.source.locate import shown

_CHUNK = 64
"""Records that a thread sums at a time."""


class MeanImage:
    """The mean of images of one size, exact where they are of bytes.

    The reference sums in single precision, which goes wrong at the 65,000th image or so.

    Attributes:
        count: Images so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum: np.ndarray | None = None

    def add(self, total: np.ndarray, count: int) -> None:
        """Add the sum of `count` images, (C, H, W) of float64.

        Raises:
            ValueError: They are of another size than those before.
        """
        if self._sum is None:
            self._sum = np.zeros(total.shape)
        if self._sum.shape != total.shape:
            raise ValueError("another size")
        self._sum += total
        self.count += count

    @property
    def shape(self) -> Shape:
        """Their size, (C, H, W); () as long as there is none."""
        return () if self._sum is None else self._sum.shape

    @property
    def image(self) -> np.ndarray:
        """The mean image, (C, H, W) of float64, channels in the order of the images."""
        assert self._sum is not None  # noqa: S101 - asked only after an image
        return self._sum / self.count


def mean_image(path: Path, most: int | None = None, track: Track = untracked) -> MeanImage:
    """Return the mean of the images in a database.

    Args:
        path: An LMDB or LevelDB of Datums; image files in it are decoded as they are.
        most: Take the first so many records only.
        track: Is told how far it is.

    Raises:
        NetdefError: The database or a record is damaged, or sizes differ.
    """
    try:
        with open_records(path) as records:
            total = min(records.size, most or records.size)
            return _mean(path, track(islice(records.walk(), total), total))
    except DataFault as fault:
        raise NetdefError(error(fault.rule, str(fault), note=fault.note)) from None


def _mean(path: Path, records: Iterator[Record]) -> MeanImage:
    mean = MeanImage()
    chunks = iter(lambda: list(islice(records, _CHUNK)), [])
    for sums in ordered(lambda chunk: _sums(path, chunk), chunks):
        for key, total, count in sums:
            try:
                mean.add(total, count)
            except ValueError:
                text = f"record `{show_key(key)}` of {shown(path)} is {show_shape(total.shape)}, "
                text += f"but those before are {show_shape(mean.shape)}"
                raise DataFault(text, "shape-mismatch") from None
    return mean


def _sums(path: Path, chunk: list[Record]) -> list[tuple[bytes, np.ndarray, int]]:
    """Return key of the first, sum and number of records, once per stretch of equal sizes."""
    datums = [(key, naming(path, key, parse, value)) for key, value in chunk]
    images = stack([datum for _, datum in datums])
    if images is not None:
        return [(chunk[0][0], images.sum(axis=0, dtype=np.uint64).astype(np.float64), len(chunk))]
    sums: list[tuple[bytes, np.ndarray, int]] = []
    for key, datum in datums:
        image = naming(path, key, pixels, datum).astype(np.float64)
        if sums and sums[-1][1].shape == image.shape:
            first, total, count = sums[-1]
            sums[-1] = first, total + image, count + 1
        else:
            sums.append((key, image, 1))
    return sums
