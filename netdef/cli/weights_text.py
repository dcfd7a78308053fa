"""What `netdef weights` says: for people, and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from math import prod
from typing import Any, Literal, NamedTuple

from netdef.ir import Shape, show_shape
from netdef.weights.compare import BlobDifference
from netdef.weights.statistics import BlobStatistics

_NONE = "-"
_CHECKSUM = 8
"""Digits of a checksum in the table; JSON has them all."""

Align = Literal["left", "right"]

_FIRST: dict[str, Align] = {"layer": "left", "blob": "right", "shape": "left"}
_TITLES: dict[str, Align] = {
    **_FIRST,
    "dtype": "left",
    "min": "right",
    "max": "right",
    "mean": "right",
    "std": "right",
    "zeros": "right",
    "sha256": "left",
    "faults": "left",
}
"""The columns, and where their cells lean."""


class Row(NamedTuple):
    """Cells, and whether there is nothing to worry about in them."""

    cells: tuple[str, ...]
    fine: bool = True


class Table(NamedTuple):
    """A table, and a line that sums it up."""

    titles: tuple[str, ...]
    aligned: tuple[Align, ...]
    rows: Sequence[Row]
    summary: str


def table_of_blobs(blobs: Sequence[BlobStatistics]) -> Table:
    """Return one row per blob; a name is told with its first one only."""
    rows: list[Row] = []
    for before, blob in zip((None, *blobs), blobs, strict=False):
        figures = (blob.minimum, blob.maximum, blob.mean, blob.std)
        cells = (
            "" if before is not None and before.layer == blob.layer else blob.layer,
            str(blob.index),
            show_shape(blob.shape),
            blob.dtype,
            *map(_figure, figures),
            f"{blob.sparsity:.1%}",
            blob.checksum[:_CHECKSUM],
            f"{blob.non_finite:,} NaN or infinite" if blob.non_finite else "",
        )
        rows.append(Row(cells, fine=not blob.non_finite))
    count = len(_TITLES) - all(row.fine for row in rows)
    rows = [Row(row.cells[:count], row.fine) for row in rows]
    layers = len({blob.layer for blob in blobs})
    values = sum(prod(blob.shape) for blob in blobs)
    summary = ", ".join(
        [f"{plural(layers, 'layer')} with {plural(len(blobs), 'blob')}", plural(values, "value")]
    )
    return Table(tuple(_TITLES)[:count], tuple(_TITLES.values())[:count], rows, summary)


def table_of_differences(blobs: Sequence[BlobDifference], files: tuple[str, str]) -> Table:
    """Return one row per blob."""
    rows = [
        Row((blob.layer, str(blob.index), _shapes(blob.shapes), _verdict(blob, files)), blob.equal)
        for blob in blobs
    ]
    different = sum(not blob.equal for blob in blobs)
    summary = (
        f"{different:,} of {len(blobs):,} blobs differ" if different else "all blobs are equal"
    )
    return Table((*_FIRST, "difference"), (*_FIRST.values(), "left"), rows, summary)


def plural(count: int, word: str) -> str:
    """Return a number and what it counts."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def render(table: Table) -> str:
    """Return a table as plain text."""
    grid = [table.titles, *(row.cells for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    lines = ["  ".join(map(_padded, row, widths, table.aligned)).rstrip() for row in grid]
    return "\n".join([*lines, table.summary]) + "\n"


def plain_data(value: Any) -> Any:
    """Return dataclasses, with their properties that are told too, as plain data for JSON."""
    if isinstance(value, BlobDifference):
        return {**asdict(value), "equal": value.equal}
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dict):
        return {key: plain_data(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain_data(part) for part in value]
    return value


def _padded(cell: str, width: int, aligned: str) -> str:
    return cell.rjust(width) if aligned == "right" else cell.ljust(width)


def _figure(value: float | None) -> str:
    return _NONE if value is None else f"{value:.4g}"


def _shapes(shapes: tuple[Shape | None, Shape | None]) -> str:
    ours, theirs = shapes
    shown = [show_shape(shape) for shape in shapes if shape is not None]
    return shown[0] if ours == theirs or len(shown) == 1 else " and ".join(shown)


def _verdict(blob: BlobDifference, files: tuple[str, str]) -> str:
    if blob.equal:
        return "equal"
    for shape, other in zip(blob.shapes, reversed(files), strict=True):
        if shape is None:
            return f"only in {other}"
    if not blob.values:
        return "other shape"
    gap = "NaN or infinite in one only" if blob.largest is None else f"up to {blob.largest:.4g}"
    return f"{plural(blob.values, 'value')}, {gap}"
