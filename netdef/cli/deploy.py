"""`netdef deploy`."""

from typing import Any

import click

from netdef import api
from netdef.cli.options import state_options
from netdef.source import replacing


@click.command("deploy")
@click.argument("model", type=click.Path())
@click.option("-o", "--output", type=click.Path(), help="File to write; printed by default.")
@state_options
def command(
    model: str,
    output: str | None,
    state: dict[str, Any],
) -> None:
    """Derive the net that answers from one for training and testing.

    Data layers become Input layers, of the shape that the data has or --shape gives; losses become
    what they apply to the scores (Softmax, Sigmoid), or go; accuracies, Dropout, fillers and
    learning rates go. Weights of the net that was trained fit, by the names of the layers.
    """
    text = api.deploy(model, **state)
    if output is None:
        click.echo(text, nl=False)
        return
    with replacing(output) as path, open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    click.echo(f"deploy net: {output}")
