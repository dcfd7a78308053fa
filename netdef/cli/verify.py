"""`netdef verify`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef.cli.arrays import ArrayOption, read_arrays
from netdef.cli.operands import Operands
from netdef.cli.options import net_options
from netdef.cli.report import report
from netdef.cli.table import print_table

if TYPE_CHECKING:
    from netdef.verify.compare import Report


@click.command("verify")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--model", type=click.Path(), help="Net of an operand that does not name one.")
@click.option("--weights", type=click.Path(), help="Weights of an operand that does not name any.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1e-5,
    show_default=True,
    help="Largest difference, as a part of a blob's largest value.",
)
@click.option(
    "--input",
    "arrays",
    type=ArrayOption(),
    multiple=True,
    help="Values of an input, in place of random ones; repeatable.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of random inputs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@net_options
def command(
    a: str,
    b: str,
    model: str | None,
    weights: str | None,
    tolerance: float,
    arrays: tuple[tuple[str, Path], ...],
    seed: int,
    as_json: bool,
    state: dict[str, Any],
) -> None:
    """Run one net in two ways, and compare every blob that both tell.

    A and B are each one of

    \b
    FILE.prototxt    netdef in single precision, with --weights
    fp32 fp64 optimized compiled onnxruntime
                     the net of the other operand, or of --model, computed so
    FILE.caffemodel  (or .h5, .safetensors, .npz) that net with these weights
    FILE.onnx        onnxruntime
    FILE.py          source that `netdef export` wrote, with the .safetensors beside it
    FILE.pt2         a program of torch.export, or a package of AOTInductor

    Source and programs are code: they are run only with --allow-python, and tell their outputs
    only. The exit code is 1 when a blob differs; the first one in the order of execution is named,
    with its layer and the place of that in its file.
    """  # noqa: D301 - a mark of click's
    operands = Operands((a, b), model, weights)
    given = read_arrays(arrays)
    from netdef.verify.compare import compare
    from netdef.verify.feed import make_feed

    first, second = operands.executor(a, state), operands.executor(b, state)
    found = compare(first, second, make_feed((first, second), given, seed), tolerance)
    _show(found, seed, as_json)
    report(found.faults())
    click.get_current_context().exit(int(found.first is not None))


def _show(found: "Report", seed: int, as_json: bool) -> None:
    from netdef.analysis import table_lines
    from netdef.cli.verify_text import columns, headline, notes, to_dict

    if as_json:
        click.echo(json.dumps(to_dict(found, seed), indent=2, allow_nan=False))
    elif sys.stdout.isatty():
        print_table(headline(found, seed), columns(found), notes(found))
    else:
        lines = [headline(found, seed), "", *table_lines(columns(found)), "", *notes(found)]
        click.echo("\n".join(lines))
