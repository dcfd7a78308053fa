"""Writing the values of blobs: one row per image, in the order of the images."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from netdef.schema import pb
from netdef.source import NetdefError, error, replacing

_DATUM_AXES = 3
_NAMES = "names"
"""What the names of the images are kept under, beside the blobs."""


class FeatureWriter(Protocol):
    """Takes batch after batch."""

    def add(self, names: Sequence[str], values: Mapping[str, np.ndarray]) -> None:
        """Add rows: the names of some images, and blobs (N, ...) by name."""
        ...


@contextmanager
def feature_writer(
    path: Path, blobs: Sequence[str], force: bool = False
) -> Iterator[FeatureWriter]:
    """Open a file for features; it is there when the block ends well, whole.

    Args:
        path: A .h5 with a dataset per blob, a .npz with an array per blob, both with `names`; or a
            folder without suffix (or .lmdb) that becomes an LMDB of Datums with `float_data`, as
            Caffe's extract_features makes it.
        blobs: What will be written.
        force: Whether an LMDB that is there is replaced.

    Raises:
        NetdefError: The suffix is of none of these (rule `unknown-format`), an LMDB is asked for
            several blobs (`bad-value`), or it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix in (".h5", ".hdf5"):
        with replacing(path) as temporary, _hdf5(temporary) as file:
            yield _Hdf5(file)
    elif suffix == ".npz":
        collected = _Npz()
        yield collected
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **collected.arrays())  # pyright: ignore[reportArgumentType]
    elif suffix in ("", ".lmdb"):
        if len(blobs) > 1:
            note = "name one blob, or a .h5 or .npz"
            raise NetdefError(error("bad-value", "an LMDB holds the values of one blob", note=note))
        from netdef.data.lmdb_writer import LmdbWriter

        with LmdbWriter(path, force) as writer:
            yield _Lmdb(writer)
    else:
        note = "known are .h5, .npz and, without a suffix or as .lmdb, an LMDB"
        raise NetdefError(error("unknown-format", f"{path} is no file for features", note=note))


def _hdf5(path: str) -> Any:
    import h5py

    return h5py.File(path, "w")


class _Hdf5:
    """Datasets that grow."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def add(self, names: Sequence[str], values: Mapping[str, np.ndarray]) -> None:
        import h5py

        self._append(_NAMES, np.array(names, object), h5py.string_dtype())
        for name, rows in values.items():
            self._append(name, rows, rows.dtype)

    def _append(self, name: str, rows: np.ndarray, dtype: Any) -> None:
        if name not in self._file:
            most = (None, *rows.shape[1:])
            self._file.create_dataset(name, (0, *rows.shape[1:]), dtype, maxshape=most)
        data = self._file[name]
        data.resize(len(data) + len(rows), axis=0)
        data[len(data) - len(rows) :] = rows


class _Npz:
    """Rows kept until the end: the format has no other way."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._rows: dict[str, list[np.ndarray]] = {}

    def add(self, names: Sequence[str], values: Mapping[str, np.ndarray]) -> None:
        self._names += names
        for name, rows in values.items():
            self._rows.setdefault(name, []).append(rows)

    def arrays(self) -> dict[str, np.ndarray]:
        joined = {name: np.concatenate(rows) for name, rows in self._rows.items()}
        return {_NAMES: np.array(self._names), **joined}


class _Lmdb:
    """Datums under ten digits that count from 0."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add(self, names: Sequence[str], values: Mapping[str, np.ndarray]) -> None:
        del names
        (rows,) = values.values()
        for row in rows:
            if row.ndim > _DATUM_AXES:
                text = f"a Datum has 3 axes, but the blob has {row.ndim} for each image"
                raise NetdefError(error("bad-value", text, note="write a .h5 or .npz"))
            channels, height, width = (*row.shape, 1, 1, 1)[:_DATUM_AXES]
            datum = pb.Datum(channels=channels, height=height, width=width)
            datum.float_data.extend(row.ravel().tolist())
            self._writer.put(b"%010d" % self._writer.count, datum.SerializeToString())
