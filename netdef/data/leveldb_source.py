"""Records of a LevelDB, in the order of their keys, over and over."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from netdef.data.faults import DataFault
from netdef.source.locate import shown

Record = tuple[bytes, bytes]
"""Key and value."""


class LevelDbSource:
    """A LevelDB, as Caffe wrote it by default.

    Sources of one process may read one database at the same time; a second process may not, and the
    folder has to be writable: LevelDB locks it. How many records there are, it does not know: they
    are counted when that is asked for, or when the last was read.

    Attributes:
        path: The folder of the database.
        length: Bytes on the disk.
    """

    def __init__(self, path: Path) -> None:
        """Open the database at `path`.

        Raises:
            DataFault: It is damaged, empty or locked, or the package that reads it is missing.
        """
        self.path = path
        self._database = _database(path)
        self.length = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
        self._size: int | None = None
        self._records: Iterator[Record] = iter(())
        self._next = -1  # the record that `_records` yields next; -1: it has to be placed first
        self.first()

    @property
    def size(self) -> int:
        """Number of records, at least 1.

        Raises:
            DataFault: The database is damaged.
        """
        if self._size is None:
            with _reading(self.path):
                self._size = sum(1 for _ in self._walk(include_value=False))
        return self._size

    def first(self) -> Record:
        """Return the first record.

        Raises:
            DataFault: The database is damaged or empty.
        """
        with _reading(self.path):
            for record in self._walk():
                return record
        raise DataFault(f"{shown(self.path)} holds no records")

    def read(self, start: int, count: int) -> list[Record]:
        """Return records by number; after the last one comes the first.

        Going on where the last call ended costs nothing; starting elsewhere steps through the keys.

        Args:
            start: Number of the first record, from 0; it may lie beyond the last.
            count: How many.

        Raises:
            DataFault: The database is damaged.
        """
        records: list[Record] = []
        with _reading(self.path):
            if self._next != start:
                self._place(start)
            while len(records) < count:
                records.extend(islice(self._records, count - len(records)))
                if len(records) < count:
                    self._records = self._walk()
        self._next = start + count
        return records

    def after(self, number: int, key: bytes) -> Iterator[Record]:
        """Yield all other records, from the one after record `number`, whose key is `key`, round.

        Reading by number goes on as if this had not been.

        Raises:
            DataFault: The database is damaged.
        """
        del number  # the keys tell
        with _reading(self.path):
            yield from self._walk(start=key, include_start=False)
            yield from self._walk(stop=key)

    def _place(self, start: int) -> None:
        """Let `_records` go on with record `start`, counted over all passes."""
        if self._size is not None:
            start %= self._size
        self._records = self._walk()
        passed = sum(1 for _ in islice(self._records, start))
        if passed < start:  # the end: now the size is known
            self._size = passed
            self._place(start)

    def _walk(self, **options: Any) -> Iterator[Any]:
        return iter(self._database.iterator(verify_checksums=True, **options))

    def close(self) -> None:
        """Stop reading; the database itself is closed with the last source that reads it."""
        self._records = iter(())
        self._next = -1
        del self._database


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import plyvel

    try:
        yield
    except plyvel.Error as fault:
        raise DataFault(f"cannot read {shown(path)}: {_said(fault)}") from None


def _said(fault: Exception) -> str:
    """Return LevelDB's own words, which come as bytes."""
    (words,) = fault.args or (b"",)
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)


_open: WeakValueDictionary[tuple[int, str], Any] = WeakValueDictionary()
_opening = Lock()


class _Database:
    """An open LevelDB; a process may open each only once, so sources share it."""

    def __init__(self, path: Path) -> None:
        try:
            import plyvel
        except ImportError:
            text = f"{shown(path)} is a LevelDB; the package that reads it is not installed"
            note = "pip install netdef[leveldb]"
            raise DataFault(text, "missing-package", note=note) from None
        try:
            self.iterator: Any = plyvel.DB(str(path)).iterator
        except plyvel.Error as fault:
            said = _said(fault)
            if "/LOCK" in said:
                text = f"another process has opened {shown(path)}, or its folder cannot be written"
                note = "a LevelDB is for one process at a time; an LMDB has no such limit"
                raise DataFault(text, "source-in-use", note=note) from None
            raise DataFault(f"cannot read {shown(path)} as a LevelDB: {said}") from None


def _database(path: Path) -> _Database:
    key = os.getpid(), os.path.realpath(path)
    with _opening:
        found = _open.get(key)
        if found is None:
            found = _open[key] = _Database(path)
        return found
