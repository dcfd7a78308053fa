"""`netdef draw`."""

from pathlib import Path
from typing import Any

import click

from netdef import api
from netdef.cli.options import net_options
from netdef.cli.report import report


@click.command("draw")
@click.argument("model", type=click.Path())
@click.option("-o", "--output", type=click.Path(), help="File to write; MODEL.svg by default.")
@net_options
def command(
    model: str,
    output: str | None,
    state: dict[str, Any],
) -> None:
    """Draw a net as SVG, PNG, PDF or DOT.

    The suffix of the output tells the format. PNG and PDF need Graphviz's program `dot`.
    """
    from netdef.drawing import format_of, save_drawing

    path = Path(output) if output else Path(Path(model).with_suffix(".svg").name)
    format_of(path)  # before anything else, so that a slip costs nothing
    net = api.load(model, **state)
    report(net.diagnostics)
    save_drawing(net, path)
    click.echo(f"drawing: {path}")
