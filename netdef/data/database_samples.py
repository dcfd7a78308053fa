"""The items of a database of Datums."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from netdef.data.datum import encoding, parse, pixels, shape
from netdef.data.faults import DataFault
from netdef.data.lmdb_source import show_key
from netdef.data.records import Records, open_records
from netdef.data.samples import Entry, Sample, Samples, broken, show_size
from netdef.source.locate import shown


@contextmanager
def database(path: Path) -> Iterator[Samples]:
    """Open an LMDB or LevelDB.

    Raises:
        DataFault: There is none, or it is damaged or empty.
    """
    with open_records(path) as records:
        yield Samples(records.kind, records.size, lambda: _walk(path, records))


def _walk(path: Path, records: Records) -> Iterator[Entry]:
    last = ""
    try:
        for key, value in records.walk():
            last = show_key(key)
            place = f"record `{last}` of {shown(path)} "
            yield Entry(last, place, key, lambda value=value: _look(value))
    except DataFault as fault:
        text = f"{fault}; the last record before that is `{last}`" if last else str(fault)
        yield broken(last, DataFault(text, fault.rule, note=fault.note))


def _look(value: bytes) -> Sample:
    datum = parse(value)
    return Sample(
        size=show_size(shape(datum)),
        encoding=encoding(datum),
        labels=np.array([datum.label], np.float64),
        image=lambda: pixels(datum),
    )
