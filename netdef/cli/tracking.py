"""A bar for long jobs: on a terminal only, and gone at the end."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def track(items: Iterable[Item], total: int) -> Iterator[Item]:
    """Yield the items and move the bar, on the error channel."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("", total=total)
        for item in items:
            yield item
            bar.advance(task)
