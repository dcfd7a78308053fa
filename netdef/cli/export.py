"""`netdef export`."""

from pathlib import Path
from typing import Any

import click

from netdef import api
from netdef.cli.options import net_options
from netdef.cli.report import report


@click.command("export")
@click.argument("model", type=click.Path())
@click.option("--weights", type=click.Path(), help="Weight file; without it, fillers decide.")
@click.option("-o", "--output", type=click.Path(), help="File to write; MODEL.onnx by default.")
@click.option("--opset", type=int, help="Version of ONNX's operators; 17 by default.")
@click.option("--static-batch", is_flag=True, help="Fix the batch size of the net.")
@net_options
def command(
    model: str,
    weights: str | None,
    output: str | None,
    opset: int | None,
    static_batch: bool,
    state: dict[str, Any],
) -> None:
    """Write a net as an ONNX file.

    The file is checked, and its results are compared with ours; one that differs is not written.
    """
    path = Path(output) if output else Path(Path(model).with_suffix(".onnx").name)
    if path.suffix != ".onnx":
        raise click.UsageError(f"{path} does not end in .onnx")
    net = api.load(model, **state)
    report(net.diagnostics)
    done = api.export_onnx(net, path, weights, opset, not static_batch)
    report(done.warnings)
    click.echo(f"onnx: {done.path} (opset {done.opset})")
    for word, blobs in (("input", done.inputs), ("output", done.outputs)):
        for name, sizes in blobs.items():
            click.echo(f"  {word} {name}: {_show(sizes)}")
    click.echo(f"largest difference from onnxruntime: {done.largest_difference:.3g}")


def _show(sizes: Any) -> str:
    if sizes is None:
        return "unknown"
    return " x ".join("?" if size is None else str(size) for size in sizes)
