"""Receptive fields as a table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netdef.torch_backend.executable import Executable

_TITLES = ("blob", "sees", "every", "from")
_GAP = "  "


def field_lines(exe: "Executable", source: str) -> Iterator[str]:
    """Yield a table: what units see, how far that of neighbours lies apart, and where it starts.

    Rows x columns, in pixels of the input. A first pixel below 0 is in the padding.
    """
    from netdef.explain.receptive_field import receptive_fields

    rows: list[tuple[str, ...]] = [_TITLES]
    for field in receptive_fields(exe, source):
        if field.size is None or field.stride is None or field.start is None:
            rows.append((field.blob, "all", "", ""))
        else:
            places = (field.size, field.stride, field.start)
            rows.append((field.blob, *(" x ".join(map(str, place)) for place in places)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(_TITLES))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield _GAP.join(cells).rstrip()
