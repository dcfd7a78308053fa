"""`netdef import`."""

from typing import Any

import click

from netdef import api
from netdef.cli.options import ShapeOption


@click.command("import")
@click.argument("model", type=click.Path())
@click.option(
    "-o", "--output", default=".", help="Folder to write into; the working one by default."
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Batch size, where the file leaves it open.",
)
@click.option(
    "--shape",
    "shapes",
    type=ShapeOption(),
    multiple=True,
    help="Shape of an input, in place of the file's; repeatable.",
)
@click.option(
    "--weights-format",
    type=click.Choice(["caffemodel", "safetensors", "h5"]),
    default="caffemodel",
    show_default=True,
    help="Format of the weight file.",
)
def command(model: str, output: str, batch: int, shapes: Any, weights_format: str) -> None:
    """Make a net and its weights of an ONNX file.

    Writes NAME.prototxt and NAME.caffemodel, once they give the numbers that onnxruntime computes
    with the file. Nodes without a Caffe meaning are listed; then nothing is written.
    """
    done = api.import_onnx(model, output, batch, dict(shapes), weights_format)
    click.echo(f"net: {done.net} ({done.layers} layers)")
    if done.weights is not None:
        click.echo(f"weights: {done.weights}")
    for word, blobs in (("input", done.inputs), ("output", done.outputs)):
        for name, shape in blobs.items():
            click.echo(f"  {word} {name}: {_show(shape)}")
    click.echo(f"largest difference from onnxruntime: {done.largest_difference:.3g}")


def _show(shape: Any) -> str:
    return "unknown" if shape is None else " x ".join(map(str, shape)) or "one number"
