"""A summary as plain text."""

from collections.abc import Sequence

from netdef.analysis.columns import Column, columns, headline, notes
from netdef.analysis.summary import Summary

_WIDTH = 120
"""Characters per line that the table keeps to where it can.

The first column gives way: a name that is too long for it has a line of its own, uncut.
"""

_NARROWEST_NAME = 12

_GAP = "  "


def render_text(summary: Summary, *, per_image: bool = True) -> str:
    """Return the headline, the table and the totals, with a final line end.

    Args:
        summary: The summary.
        per_image: Whether the table gives operations and activations per image, not per batch.
    """
    table = columns(summary, per_image=per_image)
    head, foot = headline(summary, per_image=per_image), notes(summary)
    return "\n".join([head, "", *table_lines(table), "", *foot]) + "\n"


def table_lines(table: Sequence[Column]) -> list[str]:
    """Return the lines of a table: titles, cells and, if there are any, totals; rules between."""
    widths = [_width(column) for column in table]
    rest = sum(widths[1:]) + len(_GAP) * len(widths[1:])
    widths[0] = min(widths[0], max(_NARROWEST_NAME, _WIDTH - rest))
    rule = _GAP.join("-" * width for width in widths)
    lines = [*_line([column.title for column in table], table, widths), rule]
    for cells in zip(*(column.cells for column in table), strict=True):
        lines += _line(cells, table, widths)
    if not any(column.total for column in table):
        return lines
    lines.append(rule)
    return lines + _line([column.total for column in table], table, widths)


def _width(column: Column) -> int:
    return max(map(len, (column.title, column.total, *column.cells)))


def _line(cells: Sequence[str], table: Sequence[Column], widths: Sequence[int]) -> list[str]:
    """Return a line of cells, after a line with the first one where that is too long."""
    if len(cells[0]) > widths[0]:
        return [cells[0], *_line(["", *cells[1:]], table, widths)]
    padded = [
        cell.ljust(width) if column.align == "left" else cell.rjust(width)
        for cell, column, width in zip(cells, table, widths, strict=True)
    ]
    return [_GAP.join(padded).rstrip()]
