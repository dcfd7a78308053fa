"""Writing an LMDB that is there whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import lmdb

from netdef.source import NetdefError, error
from netdef.source.locate import shown

_MAP_SIZE = 16 * 2**20
"""Bytes that a database may take at first; it is doubled whenever it does not do."""

_PENDING_RECORDS = 1000
_PENDING_BYTES = 8 * 2**20

_OWN_FILES = {"data.mdb", "lock.mdb"}


class LmdbWriter:
    """A new LMDB, to be used in a `with` statement.

    The database is built in a hidden folder beside its place and moved there at the end of the
    statement; after an exception nothing is left of it, and what was there before is still there.

    Attributes:
        path: The folder of the database.
        count: Number of records so far.
    """

    def __init__(self, path: Path, force: bool = False) -> None:
        """Make sure that there is a place for the database.

        Args:
            path: Its folder; the folders above it are made.
            force: Whether it may replace a database that is there.

        Raises:
            NetdefError: Something is there, and it is no LMDB or `force` is not given.
        """
        self.path = path
        self.count = 0
        self._pending: list[tuple[bytes, bytes]] = []
        self._pending_bytes = 0
        if not os.path.lexists(path):
            return
        if not _is_lmdb(path):
            text = f"{shown(path)} is there already, and it is not an LMDB"
            raise NetdefError(error("already-there", text, note="choose another folder"))
        if not force:
            text = f"{shown(path)} is there already"
            note = "remove it, or let it be replaced with --force"
            raise NetdefError(error("already-there", text, note=note))

    def __enter__(self) -> "LmdbWriter":
        """Make the hidden folder and an empty database in it."""
        self._building = self._hidden()
        self._made_parent = not self.path.parent.exists()
        try:
            with self._writing():
                self._building.mkdir(parents=True)
                self._env: Any = lmdb.open(
                    str(self._building), map_size=_MAP_SIZE, lock=False, sync=False, mode=0o644
                )
        except NetdefError:
            self._remove()
            raise
        return self

    def put(self, key: bytes, value: bytes) -> None:
        """Add a record; keys come in ascending order, none twice.

        Raises:
            NetdefError: It cannot be written (no space left, for one).
            ValueError: The key is not greater than the one before.
        """
        self._pending.append((key, value))
        self._pending_bytes += len(value)
        self.count += 1
        if len(self._pending) >= _PENDING_RECORDS or self._pending_bytes >= _PENDING_BYTES:
            self._commit()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the database in its place, or remove it after an exception."""
        try:
            if kind is None:
                self._commit()
                with self._writing():
                    self._env.sync(True)
                    self._env.close()
                    self._move()
        finally:
            self._env.close()
            self._remove()

    def _commit(self) -> None:
        with self._writing():
            while not self._put_pending():
                self._env.set_mapsize(2 * self._env.info()["map_size"])
        self._pending.clear()
        self._pending_bytes = 0

    def _put_pending(self) -> bool:
        """Write what is pending in one transaction; return whether there was room for it."""
        try:
            with self._env.begin(write=True) as transaction:
                for key, value in self._pending:
                    if not transaction.put(key, value, append=True):
                        raise ValueError(f"key {key!r} is not greater than the one before it")
        except lmdb.MapFullError:
            return False
        return True

    def _move(self) -> None:
        _fsync(self._building)
        old = None
        if os.path.lexists(self.path):
            old = self._hidden()
            self.path.rename(old)
        try:
            self._building.rename(self.path)
        except OSError:
            if old is not None:
                old.rename(self.path)
            raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
        _fsync(self.path.parent)

    def _remove(self) -> None:
        """Remove the hidden folder, and the one it is in if that was made for it and is empty."""
        shutil.rmtree(self._building, ignore_errors=True)
        if self._made_parent:
            with suppress(OSError):
                self.path.parent.rmdir()

    def _hidden(self) -> Path:
        return self.path.parent / f".{self.path.name}.{secrets.token_hex(4)}"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, lmdb.Error) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else str(fault)
            text = f"cannot write {shown(self.path)}: {reason}"
            raise NetdefError(error("cannot-write", text)) from None


def _is_lmdb(path: Path) -> bool:
    """Whether a folder holds an LMDB and nothing else."""
    if not path.is_dir():
        return False
    names = {entry.name for entry in path.iterdir()}
    return "data.mdb" in names and names <= _OWN_FILES


def _fsync(folder: Path) -> None:
    """Make sure that the names in a folder are on disk; only POSIX systems can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
