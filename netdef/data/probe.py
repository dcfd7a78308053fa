"""What a data source would yield: its shapes, without reading more than one record."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from netdef.ir import Shape
from netdef.source.locate import locate, shown


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


def prober(referring: str | Path | None) -> Callable[[Probed], Sequence[Shape] | None]:
    """Return the probe for the layers of one net.

    Args:
        referring: The file of the net, where sources are looked for (`netdef.source.locate`); None
            for a net that has no place on disk.

    Returns:
        A function from a layer to the shape of one item per top, without the batch: (C, H, W) and
        () for Data and ImageData, the shape of a row of each dataset for HDF5Data. It returns None
        for other types and for a source that is not there or is a LevelDB, and raises ValueError,
        with one sentence, for one that is there but damaged.
    """

    def probe(n: Probed) -> Sequence[Shape] | None:
        look = _LOOK.get(n.type)
        path = locate(n.p.source, referring) if look else None
        return look(n, path) if look and path else None

    return probe


def _data(n: Probed, path: Path) -> Sequence[Shape] | None:
    from netdef.data.datum import color_of, parse, shape
    from netdef.data.faults import DataFault
    from netdef.data.lmdb_source import LmdbSource, show_key

    try:
        source = LmdbSource(path)
    except DataFault as fault:
        if fault.rule == "unsupported":
            return None
        raise
    key, value = source.first()
    source.close()
    try:
        image = shape(parse(value), color_of(n.message))
    except DataFault as fault:
        raise DataFault(f"record `{show_key(key)}` of {shown(path)} {fault}") from None
    return [image, ()][: len(n.tops)]


def _hdf5(n: Probed, path: Path) -> Sequence[Shape]:
    from netdef.data.hdf5_source import item_shapes, listed_files

    return item_shapes(listed_files(path)[0], n.tops)


def _images(n: Probed, path: Path) -> Sequence[Shape] | None:
    from netdef.data.image_list import first_size

    size = first_size(path, n.p.root_folder)
    return [(3 if n.p.is_color else 1, *size), ()] if size else None


_LOOK = {"Data": _data, "HDF5Data": _hdf5, "ImageData": _images}
