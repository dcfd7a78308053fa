"""What a data source would yield: its shapes, without reading more than one record."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from netdef.ir import Shape
from netdef.source.locate import locate, shown

if TYPE_CHECKING:
    from netdef.data.bad_records import BadRecords
    from netdef.data.database import Database


class Probed(Protocol):
    """What a probe sees of a layer."""

    @property
    def type(self) -> str:
        """The name of its type."""
        ...

    @property
    def p(self) -> Any:
        """The message of its own parameters."""
        ...

    @property
    def message(self) -> Any:
        """The LayerParameter."""
        ...

    @property
    def tops(self) -> Sequence[str]:
        """The names of its tops."""
        ...


def prober(
    referring: str | Path | None, bad: "BadRecords | None" = None
) -> Callable[[Probed], Sequence[Shape] | None]:
    """Return the probe for the layers of one net.

    Args:
        referring: The file of the net, where sources are looked for (`netdef.source.locate`); None
            for a net that has no place on disk.
        bad: What to do about damaged records, one of which may be the first; None takes it for a
            fault.

    Returns:
        A function from a layer to the shape of one item per top, without the batch: (C, H, W) and
        () for Data and ImageData, the shape of a row of each dataset for HDF5Data. It returns None
        for other types, for a source that is not there, and for a LevelDB that cannot be read here
        and now; and raises ValueError, with one sentence, for one that is there but damaged.
    """
    skip = bad is not None and bad.skip
    look_into = {**_LOOK, "Data": partial(_data, skip=skip)}

    def probe(n: Probed) -> Sequence[Shape] | None:
        look = look_into.get(n.type)
        path = locate(n.p.source, referring) if look else None
        return look(n, path) if look and path else None

    return probe


def _data(n: Probed, path: Path, skip: bool) -> Sequence[Shape] | None:
    from netdef.data.database import open_database
    from netdef.data.faults import DataFault

    try:
        source = open_database(path)
    except DataFault as fault:
        if fault.rule in ("missing-package", "source-in-use"):  # nothing is wrong with it
            return None
        raise
    try:
        return [_size(n, source, skip), ()][: len(n.tops)]
    finally:
        source.close()


def _size(n: Probed, source: "Database", skip: bool) -> Shape:
    """Return the (C, H, W) of the first record, or of the first good one."""
    from netdef.data.datum import color_of, parse, shape
    from netdef.data.faults import DataFault
    from netdef.data.lmdb_source import show_key

    first = source.first()
    try:
        return shape(parse(first[1]), color_of(n.message))
    except DataFault as fault:
        named = DataFault(f"record `{show_key(first[0])}` of {shown(source.path)} {fault}")
    for _, value in source.after(0, first[0]) if skip else ():
        with suppress(DataFault):
            return shape(parse(value), color_of(n.message))
    raise named


def _hdf5(n: Probed, path: Path) -> Sequence[Shape]:
    from netdef.data.hdf5_source import item_shapes, listed_files

    return item_shapes(listed_files(path)[0], n.tops)


def _images(n: Probed, path: Path) -> Sequence[Shape] | None:
    from netdef.data.image_list import first_size

    size = first_size(path, n.p.root_folder)
    return [(3 if n.p.is_color else 1, *size), ()] if size else None


_LOOK: dict[str, Any] = {"HDF5Data": _hdf5, "ImageData": _images}
