"""Records of an LMDB, in the order of their keys, over and over."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from netdef.data.faults import DataFault
from netdef.data.lmdb_pages import Pages
from netdef.source.locate import shown

Record = tuple[bytes, bytes]
"""Key and value."""


class LmdbSource:
    """An LMDB, read without a lock file, so that it may lie in a folder that cannot be written.

    Several sources may read one database at the same time. Each is for one thread at a time.

    Attributes:
        path: The database: a folder with data.mdb, or the file itself.
        size: Number of records, at least 1.
        length: Bytes on the disk.
    """

    def __init__(self, path: Path) -> None:
        """Open the database at `path`.

        Raises:
            DataFault: There is no LMDB, or it is damaged or empty.
        """
        import lmdb

        self.path = path
        self._file = _data_file(path)
        self._environment = _environment(self._file)
        self.size: int = self._environment.env.stat()["entries"]
        if self.size < 1:
            raise DataFault(f"{shown(path)} holds no records")
        self.length = os.path.getsize(self._file)
        try:
            self._transaction = self._environment.env.begin(buffers=False)
            self._cursor = self._transaction.cursor()
        except lmdb.Error as fault:
            raise DataFault(f"cannot read {shown(path)}: {fault}") from None
        self._records: Iterator[Record] = iter(())
        self._next = -1  # the record that `_records` yields next; -1: it has to be placed first

    def first(self) -> Record:
        """Return the first record.

        Raises:
            DataFault: The database is damaged.
        """
        return self.read(0, 1)[0]

    def read(self, start: int, count: int) -> list[Record]:
        """Return records by number; after the last one comes the first.

        Going on where the last call ended costs nothing; starting elsewhere steps through the keys.

        Args:
            start: Number of the first record, from 0; it may lie beyond the last.
            count: How many.

        Raises:
            DataFault: The database is damaged.
        """
        import lmdb

        records: list[Record] = []
        at = start % self.size
        try:
            while len(records) < count:
                before = len(records)
                wanted = min(count - before, self.size - at)
                self._environment.pages.check(at + wanted)
                if self._next != at:
                    self._place(at)
                records.extend(islice(self._records, wanted))
                if len(records) == before:
                    text = f"{shown(self.path)} ends after {at} of its {self.size} records"
                    raise DataFault(text)
                self._next = at + len(records) - before
                at = self._next % self.size
        except lmdb.Error as fault:
            raise DataFault(f"cannot read {shown(self.path)}: {fault}") from None
        return records

    def after(self, number: int, key: bytes) -> Iterator[Record]:
        """Yield all other records, from the one after record `number`, whose key is `key`, round.

        Reading by number goes on as if this had not been.

        Raises:
            DataFault: The database is damaged.
        """
        import lmdb

        try:
            cursor = self._transaction.cursor()
            cursor.set_key(key)
            for step in range(1, self.size):
                at = (number + step) % self.size
                self._environment.pages.check(at + 1)
                if not (cursor.next() if at else cursor.first()):
                    return
                yield cursor.item()
        except lmdb.Error as fault:
            raise DataFault(f"cannot read {shown(self.path)}: {fault}") from None

    def _place(self, at: int) -> None:
        step = self._cursor.next
        self._cursor.first()
        for _ in range(at):
            step()
        self._records = self._cursor.iternext()

    def close(self) -> None:
        """Stop reading; the database itself is closed with the last source that reads it."""
        self._records = iter(())
        self._transaction.abort()


def show_key(key: bytes) -> str:
    """Return a key as messages show it; whatever is no text is escaped."""
    return key.decode("utf-8", "backslashreplace")


def _data_file(path: Path) -> Path:
    """Return the file of the LMDB at `path`; what lies there decides, not what the net calls it."""
    if path.is_file():
        return path
    if (path / "data.mdb").is_file():
        return path / "data.mdb"
    if (path / "CURRENT").is_file():
        text = f"{shown(path)} is a LevelDB, which is not supported"
        raise DataFault(text, "unsupported", note="convert it to LMDB")
    raise DataFault(f"{shown(path)} is no database: it holds no data.mdb")


class _Environment:
    """An open LMDB; a process may open each only once, so sources share it."""

    def __init__(self, file: Path) -> None:
        import lmdb

        self.pages = Pages(file)
        try:
            self.env: Any = lmdb.open(
                str(file), subdir=False, readonly=True, lock=False, create=False, readahead=True
            )
        except lmdb.Error as fault:
            reason = str(fault).removeprefix(f"{file}: ")
            raise DataFault(f"cannot read {shown(file)} as an LMDB: {reason}") from None


_open: WeakValueDictionary[tuple[int, str], _Environment] = WeakValueDictionary()
_opening = Lock()


def _environment(file: Path) -> _Environment:
    key = os.getpid(), os.path.realpath(file)
    with _opening:
        found = _open.get(key)
        if found is None:
            found = _open[key] = _Environment(file)
        return found
