"""A database of records, of whichever kind it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from netdef.data.leveldb_source import LevelDbSource
from netdef.data.lmdb_source import LmdbSource, Record


class Database(Protocol):
    """What LmdbSource and LevelDbSource have in common."""

    path: Path
    """Where it lies."""

    @property
    def size(self) -> int:
        """Number of records, at least 1; of a LevelDB it has to be counted."""
        ...

    @property
    def length(self) -> int:
        """Bytes on the disk."""
        ...

    def first(self) -> Record:
        """Return the first record; raises DataFault."""
        ...

    def read(self, start: int, count: int) -> list[Record]:
        """Return records by number; after the last one comes the first; raises DataFault."""
        ...

    def after(self, number: int, key: bytes) -> Iterator[Record]:
        """Yield all other records, from the one after this one, round; raises DataFault."""
        ...

    def close(self) -> None:
        """Stop reading."""
        ...


def open_database(path: Path) -> Database:
    """Open the database at `path`; its files tell what it is, not what the net calls it.

    Raises:
        DataFault: There is none, it is damaged or empty, or it is a LevelDB and the package that
            reads those is not installed.
    """
    leveldb = (path / "CURRENT").is_file() and not (path / "data.mdb").is_file()
    return LevelDbSource(path) if leveldb else LmdbSource(path)
