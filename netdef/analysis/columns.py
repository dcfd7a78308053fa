"""A summary as a table: what every renderer shows, in the same words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from netdef.analysis.figures import PER_BATCH, Figures
from netdef.analysis.layer_row import LayerRow
from netdef.analysis.summary import Summary
from netdef.analysis.units import show_bytes, show_name, show_number, show_shape

Align = Literal["left", "right"]

_MOST_SHAPES = 2
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table.

    Attributes:
        key: Its name in JSON.
        title: Its heading.
        align: Where its texts stand.
        cells: One text per layer.
        total: The text below them; "" where a sum makes no sense.
    """

    key: str
    title: str
    align: Align
    cells: tuple[str, ...]
    total: str = ""


# Figures in the order of the table: key, title, how a value is shown, and whether the column
# stays when every layer has 0.
_FIGURES: tuple[tuple[str, str, Callable[[float | None], str], bool], ...] = (
    ("learnable", "Parameters", show_number, True),
    ("frozen", "Frozen", show_number, False),
    ("shared", "Shared", show_number, False),
    ("buffers", "Buffers", show_number, False),
    ("macs", "MACs", show_number, True),
    ("other", "Other ops", show_number, True),
    ("activation_bytes", "Activations", show_bytes, True),
)


def columns(summary: Summary, *, per_image: bool = True) -> list[Column]:
    """Return the columns of the table; those of rare figures only where a layer has some.

    Args:
        summary: The summary.
        per_image: Give operations and activations per image, where the batch size is known,
            instead of per batch.
    """
    rows = summary.rows
    per_image = per_image and bool(summary.batch)
    total = "Known total" if summary.uncounted else "Total"
    table = [
        Column("name", "Layer", "left", tuple(show_name(row.name) for row in rows), total),
        Column("type", "Type", "left", tuple(show_name(row.type) for row in rows)),
        Column("shapes", "Output", "left", tuple(_shapes(row) for row in rows)),
    ]
    for key, title, show, always in _FIGURES:
        if always or getattr(summary.total, key):

            def cell(figures: Figures, key: str = key, show: Callable = show) -> str:
                value = getattr(figures, key)
                return show(summary.per_image(value) if per_image and key in PER_BATCH else value)

            cells = tuple(cell(row.figures) for row in rows)
            table.append(Column(key, title, "right", cells, cell(summary.total)))
    return table


def headline(summary: Summary, *, per_image: bool = True) -> str:
    """Return one line above the table: which net, and what its figures are for."""
    name = show_name(summary.name) or "unnamed net"
    layers = _plural(len(summary.rows), "layer")
    if summary.batch is None:
        batch = "batch size unknown"
    else:
        batch = f"batch of {summary.batch}, figures per {'image' if per_image else 'batch'}"
    return f"{name}, phase {summary.phase}: {layers}, {batch}"


def notes(summary: Summary) -> list[str]:
    """Return the totals in sentences, one line each: what is kept, computed and held."""
    total = summary.total
    lines = [
        f"Parameters: {_parameters(total)}; {show_bytes(total.parameter_bytes)}",
        f"MACs: {_both(summary, total.macs, show_number)}",
        f"Other operations: {_both(summary, total.other, show_number)}",
        f"Activations: {_both(summary, total.activation_bytes, show_bytes)}",
    ]
    if summary.uncounted:
        missing = _plural(len(summary.uncounted), "layer")
        names = _some([show_name(name) for name in summary.uncounted], _MOST_NAMES)
        lines.append(f"Not counted: {missing} of unknown type or shape ({names})")
    return lines


def _parameters(total: Figures) -> str:
    text = f"{show_number(total.learnable)} learnable"
    if total.frozen:
        text += f", {show_number(total.frozen)} of them frozen"
    if total.buffers:
        text += f"; {show_number(total.buffers)} in buffers"
    return text


def _both(summary: Summary, figure: int | None, show: Callable[[float | None], str]) -> str:
    """Return a figure per image and per batch, once where those are the same."""
    if not summary.batch or summary.batch == 1:
        return show(figure)
    per_image = show(summary.per_image(figure))
    return f"{per_image} per image, {show(figure)} per batch of {summary.batch}"


def _shapes(row: LayerRow) -> str:
    """Return the shapes of a row's tops, shortened when there are many."""
    shapes = [show_shape(shape, row.dynamic) for shape in row.shapes]
    if len(shapes) > 1 and len(set(shapes)) == 1:
        return f"{len(shapes)} tops of {shapes[0]}"
    return _some(shapes, _MOST_SHAPES)


def _some(texts: Sequence[str], most: int) -> str:
    shown = ", ".join(texts[:most])
    return f"{shown} and {len(texts) - most} more" if len(texts) > most else shown


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
