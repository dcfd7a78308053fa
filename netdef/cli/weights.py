"""`netdef weights`."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from netdef.cli.report import report

if TYPE_CHECKING:
    from netdef.cli.weights_text import Table
    from netdef.weights import Weights


@click.command("weights")
@click.argument("file", type=click.Path())
@click.option("--diff", "other", type=click.Path(), help="Compare with another file, blob by blob.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: str, other: str | None, as_json: bool) -> None:
    """List the blobs of a weight file: shape, type, range, mean, deviation, zeros, checksum.

    FILE is a .caffemodel of any version and fork, .caffemodel.h5, .safetensors or .npz, or a mean
    (.binaryproto, .npy). The checksum is the beginning of the SHA-256 of the values as float32, so
    that equal weights have equal ones in every format. With --diff the exit code is 1 when the
    files differ.
    """
    weights = _read(file)
    equal = True
    if other is None:
        from netdef.cli.weights_text import table_of_blobs
        from netdef.weights.statistics import statistics

        found = statistics(weights)
        data: dict[str, Any] = {"file": file, "net": weights.name, "blobs": found}
        table = table_of_blobs(found)
    else:
        from netdef.cli.weights_text import table_of_differences
        from netdef.weights.compare import compare

        differences = compare(weights, _read(other))
        equal = all(difference.equal for difference in differences)
        data = {"files": [file, other], "equal": equal, "blobs": differences}
        table = table_of_differences(differences, (file, other))
    if as_json:
        from netdef.cli.weights_text import plain_data

        click.echo(json.dumps(plain_data(data), indent=2, allow_nan=False))
    elif sys.stdout.isatty():
        _print_rich(table)
    else:
        from netdef.cli.weights_text import render

        click.echo(render(table), nl=False)
    click.get_current_context().exit(int(not equal))


def _read(path: str) -> "Weights":
    from netdef.weights import StoredLayer, Weights, read_weights
    from netdef.weights.means import is_mean, read_array

    if is_mean(path):
        return Weights([StoredLayer("mean", (read_array(path),))], path=path)
    weights = read_weights(path)
    report(weights.diagnostics)
    return weights


def _print_rich(table: "Table") -> None:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, padding=(0, 1, 0, 0))
    for title, align in zip(table.titles, table.aligned, strict=True):
        # Names and shapes may be folded to make room, figures never.
        shown.add_column(
            title, justify=align, overflow="fold", no_wrap=title not in ("layer", "shape")
        )
    for row in table.rows:
        shown.add_row(*map(Text, row.cells), style="" if row.fine else "bold red")
    console = Console(highlight=False)
    console.print(shown)
    console.print(table.summary, style="bold", markup=False)
