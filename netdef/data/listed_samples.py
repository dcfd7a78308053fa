"""The items of a list of images."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from netdef.data.datum import encoding, pixels, shape
from netdef.data.faults import DataFault
from netdef.data.image_lines import ImageLine, image_bytes, read_lines
from netdef.data.samples import Entry, Sample, Samples, show_size
from netdef.schema import pb
from netdef.source.locate import shown


@contextmanager
def images(listing: Path, root: str) -> Iterator[Samples]:
    """Open a list of images.

    Args:
        listing: The list: a path, a space and a label in every line.
        root: What stands before every path.

    Raises:
        NetdefError: The list cannot be read, or lines of it are of another form.
    """
    lines = read_lines(listing)
    yield Samples("list of images", len(lines), lambda: _walk(listing, root, lines))


def _walk(listing: Path, root: str, lines: list[ImageLine]) -> Iterator[Entry]:
    for line in lines:
        key = f"{shown(listing)}:{line.span.line}"
        yield Entry(key, f"{key}: ", None, lambda line=line: _look(listing, root, line))


def _look(listing: Path, root: str, line: ImageLine) -> Sample:
    try:
        file = pb.Datum(data=image_bytes(line, root, listing), encoded=True)
        size, kind = show_size(shape(file)), encoding(file)
    except DataFault as fault:
        raise _named(line, fault) from None

    def image() -> np.ndarray:
        try:
            return pixels(file)
        except DataFault as fault:
            raise _named(line, fault) from None

    return Sample(size, kind, np.array([line.label], np.float64), image)


def _named(line: ImageLine, fault: DataFault) -> DataFault:
    return DataFault(f"`{line.name}` {fault}", "bad-image", note=fault.note)
