"""`netdef summary`."""

import json
import sys
from typing import Any

import click

from netdef import api
from netdef.cli.options import net_options
from netdef.cli.report import report


@click.command("summary")
@click.argument("model", type=click.Path())
@click.option("--per-batch", is_flag=True, help="Give figures per batch, not per image.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@net_options
def command(
    model: str,
    per_batch: bool,
    as_json: bool,
    state: dict[str, Any],
) -> None:
    """Print a net's layers, shapes, parameters and costs."""
    from netdef.analysis import render_text, summarize, to_dict

    net = api.load(model, **state)
    report(net.diagnostics)
    summary = summarize(net)
    if as_json:
        click.echo(json.dumps(to_dict(summary), indent=2))
    elif sys.stdout.isatty():
        _print_rich(summary, per_image=not per_batch)
    else:
        click.echo(render_text(summary, per_image=not per_batch), nl=False)


def _print_rich(summary: object, per_image: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from netdef.analysis import Summary, columns, headline, notes

    assert isinstance(summary, Summary)  # noqa: S101 - the type is loaded late
    table = Table(box=SIMPLE_HEAD, show_footer=True)
    parts = columns(summary, per_image=per_image)
    for column in parts:
        table.add_column(column.title, column.total, justify=column.align, overflow="fold")
    for cells in zip(*(column.cells for column in parts), strict=True):
        table.add_row(*map(Text, cells))  # a name may look like markup
    console = Console(highlight=False)
    console.print(headline(summary, per_image=per_image), style="bold", markup=False)
    console.print(table)
    for note in notes(summary):
        console.print(note, markup=False)
