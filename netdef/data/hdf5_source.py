"""Rows of HDF5 files, file after file, over and over."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from netdef.data.faults import DataFault, missing
from netdef.data.randomness import permutation
from netdef.ir import Shape
from netdef.source.locate import locate, shown
from netdef.source.suggest import did_you_mean

_INFLATION = 1032
"""Deflate, the filter that compresses most, makes at most so many bytes of one."""


def listed_files(listing: Path) -> list[Path]:
    """Return the paths of the HDF5 files that a text file lists, one per line.

    Raises:
        DataFault: The listing cannot be read or is empty, or a file is not there.
    """
    try:
        lines = listing.read_text(errors="replace").splitlines()
    except OSError as fault:
        raise DataFault(f"cannot read {shown(listing)}: {fault.strerror}") from None
    files: list[Path] = []
    for name in filter(None, map(str.strip, lines)):
        path = locate(name, listing)
        if path is None:
            raise missing(f"{shown(listing)} lists a file that is missing:", name, str(listing))
        files.append(path)
    if not files:
        raise DataFault(f"{shown(listing)} lists no files")
    return files


def item_shapes(file: Path, names: Sequence[str]) -> list[Shape]:
    """Return the shape of one row of each dataset of an HDF5 file.

    Raises:
        DataFault: The file cannot be read, or lacks a dataset.
    """
    with _reading(file), h5py.File(file, "r") as opened:
        return [_dataset(opened, file, name).shape[1:] for name in names]


class Hdf5Source:
    """The datasets of the same names in several files, row by row.

    With shuffle, each pass has its own order of files and of rows within each file: a function of
    the seed, the stream and the number of the pass. Then a whole file is in memory at a time;
    without it, one batch.

    Attributes:
        size: Number of rows in all files, at least 1.
        shapes: Shape of one row of each dataset.
    """

    def __init__(
        self,
        files: Sequence[Path],
        names: Sequence[str],
        shuffle: bool = False,
        seed: int = 0,
        stream: str = "",
    ) -> None:
        """Look into every file.

        Args:
            files: The HDF5 files.
            names: The datasets that are read from each.
            shuffle: Whether to change the order at every pass.
            seed: The seed of the run.
            stream: Name of the stream that orders are drawn from.

        Raises:
            DataFault: A file cannot be read, lacks a dataset, or does not fit the others.
        """
        self._files = list(files)
        self._names = list(names)
        self._shuffle = shuffle
        self._seed = seed
        self._stream = stream
        self.shapes = item_shapes(files[0], names)
        self._rows = [self._rows_of(file) for file in files]
        self.size = sum(self._rows)
        if self.size < 1:
            raise DataFault(f"{shown(files[0])} and the files listed with it have no rows")
        self._opened: tuple[int, Any] = (-1, None)
        self._order: tuple[int, list[int]] = (-1, [])
        self._shuffled: tuple[tuple[int, int], list[np.ndarray]] = ((-1, -1), [])

    def _rows_of(self, file: Path) -> int:
        with _reading(file), h5py.File(file, "r") as opened:
            datasets = [_dataset(opened, file, name) for name in self._names]
            rows = [len(dataset) for dataset in datasets]
            shapes = [dataset.shape[1:] for dataset in datasets]
        for name, here, there in zip(self._names, shapes, self.shapes, strict=True):
            if here != there:
                text = f"rows of `{name}` are {here} in {shown(file)}, but {there} in "
                raise DataFault(text + shown(self._files[0]), "shape-mismatch")
        if len(set(rows)) > 1:
            counts = ", ".join(f"`{n}` {r}" for n, r in zip(self._names, rows, strict=True))
            text = f"the datasets of {shown(file)} differ in their number of rows: {counts}"
            raise DataFault(text, "shape-mismatch")
        return rows[0]

    def read(self, start: int, count: int) -> list[np.ndarray]:
        """Return rows by number; after the last one comes the first of the next pass.

        Args:
            start: Number of the first row, counted from the start of the first pass.
            count: How many.

        Returns:
            One float32 array (count, *shape) per dataset.

        Raises:
            DataFault: A file cannot be read.
        """
        out = [np.empty((count, *shape), np.float32) for shape in self.shapes]
        at = 0
        for epoch, file, first, rows in self._pieces(start, count):
            for whole, piece in zip(out, self._piece(epoch, file, first, rows), strict=True):
                whole[at : at + rows] = piece
            at += rows
        return out

    def _pieces(self, start: int, count: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield (pass, file, first row in it, number of rows) for a stretch of rows."""
        while count:
            epoch, row = divmod(start, self.size)
            order = self._file_order(epoch)
            ends = list(accumulate(self._rows[file] for file in order))
            place = bisect_right(ends, row)
            file = order[place]
            rows = min(count, ends[place] - row)
            yield epoch, file, row - (ends[place] - self._rows[file]), rows
            start += rows
            count -= rows

    def _file_order(self, epoch: int) -> list[int]:
        if not self._shuffle:
            return list(range(len(self._files)))
        if self._order[0] != epoch:
            stream = f"{self._stream}/files"
            self._order = epoch, permutation(self._seed, stream, len(self._files), epoch).tolist()
        return self._order[1]

    def _piece(self, epoch: int, file: int, first: int, rows: int) -> list[np.ndarray]:
        if self._shuffle:
            return [values[first : first + rows] for values in self._shuffled_file(epoch, file)]
        return self._read(file, first, rows)

    def _shuffled_file(self, epoch: int, file: int) -> list[np.ndarray]:
        if self._shuffled[0] != (epoch, file):
            self._shuffled = (-1, -1), []  # not two files at a time
            values = self._read(file, 0, self._rows[file])
            order = permutation(self._seed, f"{self._stream}/rows/{file}", len(values[0]), epoch)
            self._shuffled = (epoch, file), [v[order] for v in values]
        return self._shuffled[1]

    def _read(self, file: int, first: int, rows: int) -> list[np.ndarray]:
        with _reading(self._files[file]):
            if self._opened[0] != file:
                self.close()
                self._opened = file, h5py.File(self._files[file], "r")
            return [self._opened[1][name][first : first + rows] for name in self._names]

    def close(self) -> None:
        """Close the file that is open."""
        if self._opened[1] is not None:
            self._opened[1].close()
        self._opened = -1, None


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Make a fault of whatever h5py says about a damaged file; it has many ways."""
    try:
        yield
    except DataFault:
        raise
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as fault:
        raise DataFault(f"cannot read {shown(path)} as HDF5: {fault}") from None


def _dataset(opened: Any, path: Path, name: str) -> Any:
    found = opened.get(name)
    if not isinstance(found, h5py.Dataset):
        has = ", ".join(f"`{n}`" for n in opened) or "none"
        note = did_you_mean(name, opened) or "every top is the dataset of its name"
        raise DataFault(f"{shown(path)} has no dataset `{name}`; it has {has}", note=note)
    if not found.ndim or found.dtype.kind not in "fiu":
        text = f"dataset `{name}` of {shown(path)} is no array of numbers with rows"
        raise DataFault(text, "shape-mismatch")
    elsewhere = found.is_virtual or found.external
    if not elsewhere and found.nbytes > path.stat().st_size * _INFLATION:
        text = f"dataset `{name}` of {shown(path)} claims {found.nbytes:,} bytes,"
        raise DataFault(f"{text} more than the file can hold")
    return found
