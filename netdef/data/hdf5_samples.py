"""The items of HDF5 files: rows of all their datasets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from netdef.data.faults import DataFault
from netdef.data.hdf5_source import Hdf5Source
from netdef.data.samples import Entry, Sample, Samples, broken, show_size
from netdef.source.locate import shown

_CHUNK = 8 * 2**20
"""Bytes that are read at a time, unless one row takes more."""

_LABEL, _IMAGE = "label", "data"
"""What nets call their tops, and so their datasets."""


class _File:
    """One file, looked into but not read; `fault` tells why it cannot be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault: DataFault | None = None
        self.types: dict[str, str] = {}
        self.size = 0
        try:
            self.types = _types(path)
            if not self.types:
                raise DataFault(f"{shown(path)} has no datasets with rows")
            self.source = Hdf5Source([path], list(self.types))
            self.size = self.source.size
        except DataFault as fault:
            self.fault = fault

    @property
    def chunk(self) -> int:
        """How many rows are read at a time."""
        row = sum(4 * int(np.prod(shape, dtype=np.int64)) for shape in self.source.shapes)
        return max(1, _CHUNK // max(row, 1))


@contextmanager
def hdf5(path: Path, files: Sequence[Path], kind: str) -> Iterator[Samples]:
    """Open HDF5 files.

    Args:
        path: What was asked for, the file or a list of files.
        files: The files.
        kind: What `path` is.

    Raises:
        DataFault: `path` itself is the file, and cannot be used.
    """
    opened = [_File(file) for file in files]
    if len(opened) == 1 and opened[0].fault is not None and path == files[0]:
        raise opened[0].fault
    yield Samples(kind, sum(file.size for file in opened), lambda: _walk(opened))


def _walk(files: Sequence[_File]) -> Iterator[Entry]:
    for file in files:
        if file.fault is not None:
            yield broken(shown(file.path), file.fault)
            continue
        for start in range(0, file.size, file.chunk):
            yield from _rows(file, start, min(file.chunk, file.size - start))
        file.source.close()


def _rows(file: _File, start: int, count: int) -> Iterator[Entry]:
    try:
        values = file.source.read(start, count)
    except DataFault as fault:
        if count == 1:
            key = _key(file, start)
            yield broken(key, fault, f"{key}: ")
        else:  # which rows they are, reading one by one tells
            for row in range(start, start + count):
                yield from _rows(file, row, 1)
        return
    for row in range(count):
        row_values = dict(zip(file.types, [v[row] for v in values], strict=True))
        key = _key(file, start + row)
        yield Entry(key, f"{key}: ", None, lambda v=row_values: _look(file.types, v))


def _key(file: _File, row: int) -> str:
    return f"{shown(file.path)}[{row}]"


def _look(types: dict[str, str], values: dict[str, np.ndarray]) -> Sample:
    return Sample(
        size=", ".join(f"{name} {show_size(value.shape)}" for name, value in values.items()),
        encoding=", ".join(f"{name} {kind}" for name, kind in types.items()),
        labels=values.get(_LABEL, np.empty(0)).astype(np.float64).ravel(),
        image=lambda: _image(values),
    )


def _image(values: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return the row of `data` as an image, or of the first dataset that can be one."""
    named = [values[_IMAGE]] if _IMAGE in values else list(values.values())
    for value in named:
        if value.ndim == 2:
            return value[None]
        if value.ndim == 3 and len(value) <= 4:
            return value
    return None


def _types(path: Path) -> dict[str, str]:
    """Return the types of all datasets of a file that have rows of numbers, by name."""
    try:
        with h5py.File(path, "r") as opened:
            return {
                name: str(dataset.dtype)
                for name, dataset in opened.items()
                if isinstance(dataset, h5py.Dataset)
                and dataset.ndim
                and dataset.dtype.kind in "fiu"
            }
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as fault:
        raise DataFault(f"cannot read {shown(path)} as HDF5: {fault}") from None
