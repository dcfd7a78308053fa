"""Tables on a terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netdef.analysis import Column


def print_table(headline: str, columns: "Sequence[Column]", notes: Iterable[str]) -> None:
    """Print a table, with totals if there are any, a line above it and lines below it."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_footer=any(column.total for column in columns))
    for column in columns:
        table.add_column(column.title, column.total, justify=column.align, overflow="fold")
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))  # a name may look like markup
    console = Console(highlight=False)
    console.print(headline, style="bold", markup=False)
    console.print(table)
    for note in notes:
        console.print(note, markup=False)
