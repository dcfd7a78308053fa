"""`netdef export`."""

from pathlib import Path
from typing import Any

import click

from netdef import api
from netdef.cli.onnx_options import arguments, onnx_options
from netdef.cli.options import net_options
from netdef.cli.report import report
from netdef.cli.torch_export import SUFFIXES, export_torch, refuse_onnx_options


@click.command("export")
@click.argument("model", type=click.Path())
@click.option("--weights", type=click.Path(), help="Weight file; without it, fillers decide.")
@click.option("-o", "--output", type=click.Path(), help="File to write; MODEL.onnx by default.")
@click.option("--aot", is_flag=True, help="Compile for this machine; OUTPUT is a folder then.")
@onnx_options
@net_options
def command(
    model: str,
    weights: str | None,
    output: str | None,
    aot: bool,
    onnx: dict[str, Any],
    state: dict[str, Any],
) -> None:
    """Write a net for other programs; the suffix of OUTPUT tells for which.

    \b
    .onnx  for ONNX runtimes
    .py    PyTorch source that needs nothing but torch, with a .safetensors beside it
    .pt2   a program of torch.export; with --aot, a folder for a package of AOTInductor

    What is written is run, and its results are compared with ours; what differs is not written.
    """  # noqa: D301 - a mark of click's
    path = Path(output) if output else Path(Path(model).with_suffix(".onnx").name)
    if aot or path.suffix in SUFFIXES:
        if aot and (output is None or path.suffix):
            raise click.UsageError("--aot needs -o with a folder")
        refuse_onnx_options(onnx)
        net = api.load(model, **state)
        report(net.diagnostics)
        export_torch(net, path, weights, aot, Path(model).name.partition(".")[0])
        return
    if path.suffix != ".onnx":
        raise click.UsageError(f"{path} does not end in .onnx, {' or '.join(SUFFIXES)}")
    net = api.load(model, **state)
    report(net.diagnostics)
    done = api.export_onnx(net, path, weights, **arguments(net, onnx))
    report(done.warnings)
    click.echo(f"onnx: {done.path} (opset {done.opset})")
    for word, blobs in (("input", done.inputs), ("output", done.outputs)):
        for name, sizes in blobs.items():
            click.echo(f"  {word} {name}: {_show(sizes)}")
    click.echo(_difference(done))


def _difference(done: Any) -> str:
    compared = done.comparison
    if compared is None:
        return "not compared with onnxruntime"
    text = f"largest difference from onnxruntime: {compared.largest:.3g}"
    if done.half:
        allowed = f"{compared.tolerance.relative:.0%}"
        text += (
            f", {compared.relative:.2%} of the largest value (half precision: {allowed} allowed)"
        )
    return text


def _show(sizes: Any) -> str:
    if sizes is None:
        return "unknown"
    return " x ".join("?" if size is None else str(size) for size in sizes)
