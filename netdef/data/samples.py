"""What a data source holds, item by item, whatever kind of source it is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netdef.data.faults import DataFault
from netdef.source.locate import shown


@dataclass(frozen=True, slots=True)
class Sample:
    """One item, as far as it can be told without decoding.

    Attributes:
        size: Its shape, "3 x 32 x 32"; for an HDF5 row one per dataset.
        encoding: What it is kept as: bytes, floats, jpeg, png, ...; for an HDF5 row the types.
        labels: All values of its label, flat; empty where it has none.
        image: Decodes it to (C, H, W), channels BGR; None where it is no image. Raises DataFault.
    """

    size: str
    encoding: str
    labels: np.ndarray
    image: Callable[[], np.ndarray | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """The place of one item in a source.

    Attributes:
        key: As messages show it: a key, `file.h5[3]`, `list.txt:3`.
        place: What the text of a fault follows, to say where it is: "record `3` of x ". Empty where
            the entry is no item but stands for a part of the source that cannot be read; such a
            fault says itself where it is.
        order: What has to ascend from entry to entry; None where nothing has to.
        read: Looks into it. Raises DataFault, which says what is wrong and not where.
    """

    key: str
    place: str
    order: bytes | None
    read: Callable[[], Sample]


@dataclass(frozen=True)
class Samples:
    """An open source.

    Attributes:
        kind: "LMDB", "LevelDB", "HDF5", "list of HDF5 files" or "list of images".
        size: Number of items.
        walk: Starts at the first item; yields all in order. A source that is damaged as a whole
            ends with an entry that says so.
    """

    kind: str
    size: int
    walk: Callable[[], Iterator[Entry]]


def open_samples(path: Path, root: str = "") -> AbstractContextManager[Samples]:
    """Open a source; what lies there decides what it is.

    Args:
        path: A database, an HDF5 file, or a text file that lists HDF5 files or images.
        root: What stands before every path of a list of images.

    Raises:
        DataFault: There is no source at `path`. Entering the context raises it, too, for one that
            is damaged or empty, or NetdefError for a list with faults.
    """
    if not path.exists():
        raise DataFault(f"{shown(path)} is not there", "missing-source")
    if path.is_dir() or path.suffix == ".mdb":
        from netdef.data.database_samples import database

        return database(path)
    import h5py

    from netdef.data.hdf5_samples import hdf5
    from netdef.data.listed_samples import images

    if h5py.is_hdf5(path):
        return hdf5(path, [path], "HDF5")
    if _first_word_ends(path, (".h5", ".hdf5", ".hdf")):
        from netdef.data.hdf5_source import listed_files

        return hdf5(path, listed_files(path), "list of HDF5 files")
    return images(path, root)


def show_size(shape: tuple[int, ...]) -> str:
    """Return a shape as it is listed: "3 x 32 x 32"; "1" for a single value."""
    return " x ".join(map(str, shape)) or "1"


def broken(key: str, fault: DataFault, place: str = "") -> Entry:
    """Return the entry of an item, or for a part of a source, that cannot be read."""

    def read() -> Sample:
        raise fault

    return Entry(key, place, None, read)


def _first_word_ends(path: Path, endings: tuple[str, ...]) -> bool:
    """Whether the first line of a text, as a whole, is a name with one of these endings."""
    try:
        with path.open(errors="replace") as file:
            line = next((stripped for line in file if (stripped := line.strip())), "")
    except OSError as fault:
        raise DataFault(f"cannot read {shown(path)}: {fault.strerror}", "missing-file") from None
    return line.lower().endswith(endings)
