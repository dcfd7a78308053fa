"""`netdef summary`."""

import json
import sys
from typing import Any

import click

from netdef import api
from netdef.cli.options import net_options
from netdef.cli.report import report
from netdef.cli.table import print_table


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
    from netdef.analysis import columns, headline, notes, render_text, summarize, to_dict

    net = api.load(model, **state)
    report(net.diagnostics)
    summary = summarize(net)
    if as_json:
        click.echo(json.dumps(to_dict(summary), indent=2))
    elif sys.stdout.isatty():
        per_image = not per_batch
        head = headline(summary, per_image=per_image)
        print_table(head, columns(summary, per_image=per_image), notes(summary))
    else:
        click.echo(render_text(summary, per_image=not per_batch), nl=False)
