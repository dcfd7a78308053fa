"""All records of a database, once, whichever of the two kinds it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from netdef.data.database import Database, open_database
from netdef.data.faults import DataFault
from netdef.data.leveldb_source import LevelDbSource
from netdef.data.lmdb_source import Record, show_key
from netdef.source.locate import shown

_CHUNK = 32
"""Records read at a time: they may be of several MiB each."""

Given = TypeVar("Given")
Result = TypeVar("Result")


class Records(NamedTuple):
    """An open database.

    Attributes:
        kind: "LMDB" or "LevelDB".
        size: Number of records; of a damaged LevelDB those before the damage.
        walk: Starts at the first record; yields them in the order of the database, and raises
            DataFault where it is damaged.
    """

    kind: str
    size: int
    walk: Callable[[], Iterator[Record]]


@contextmanager
def open_records(path: Path) -> Iterator[Records]:
    """Open a database.

    Raises:
        DataFault: There is none at `path`, it is damaged or empty, or it is a LevelDB and the
            package that reads those is not installed.
    """
    source = open_database(path)
    try:
        if isinstance(source, LevelDbSource):
            yield Records("LevelDB", _counted(source), lambda: _walk_leveldb(source))
        else:
            yield Records("LMDB", source.size, lambda: _walk_lmdb(source))
    finally:
        source.close()


def naming(path: Path, key: bytes, function: Callable[[Given], Result], given: Given) -> Result:
    """Return what `function` makes of a record's part; its DataFault gets the name of the record.

    Raises:
        DataFault: As `function` does.
    """
    try:
        return function(given)
    except DataFault as fault:
        text = f"record `{show_key(key)}` of {shown(path)} {fault}"
        raise DataFault(text, fault.rule, note=fault.note) from None


def _walk_lmdb(source: Database) -> Iterator[Record]:
    for start in range(0, source.size, _CHUNK):
        yield from source.read(start, min(_CHUNK, source.size - start))


def _walk_leveldb(source: LevelDbSource) -> Iterator[Record]:
    """Yield records one by one, up to the damage where there is one."""
    first = source.first()
    yield first
    yield from source.after(0, first[0])


def _counted(source: LevelDbSource) -> int:
    try:
        return source.size
    except DataFault:  # it will be met again, and named, when the records are looked at
        count = 0
        with suppress(DataFault):
            for _ in _walk_leveldb(source):
                count += 1
        return count
