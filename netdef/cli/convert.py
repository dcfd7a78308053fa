"""`netdef convert`."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from netdef.cli.report import report

if TYPE_CHECKING:
    from netdef.ir import Net
    from netdef.weights import Weights
    from netdef.weights.rename import Renaming

_MOST_NAMES = 12


@click.command("convert")
@click.argument("source", metavar="IN", type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(), help="File to write.")
@click.option(
    "--map",
    "maps",
    metavar="OLD=NEW|FILE",
    multiple=True,
    help="Rename a layer, or with one * on both sides all that fit; or a file of such lines. "
    "Repeatable.",
)
@click.option(
    "--dtype",
    type=click.Choice(["fp32", "fp16", "bf16"]),
    help="What to round values to; fp32 by default. bf16 goes into .safetensors only.",
)
@click.option(
    "--nvidia-fp16",
    is_flag=True,
    help="Let --dtype fp16 write a .caffemodel that only NVIDIA's fork (and netdef) reads.",
)
@click.option(
    "--model",
    type=click.Path(),
    help="The net they belong to: layers are checked and written in its form.",
)
def command(
    source: str,
    output: str,
    maps: tuple[str, ...],
    dtype: str | None,
    nvidia_fp16: bool,
    model: str | None,
) -> None:
    """Convert a weight file, or a mean, to another format, told by the suffixes.

    Weights: .caffemodel (read: of any version and fork; written: the current format),
    .caffemodel.h5, .safetensors, .npz (arrays named LAYER/INDEX). Means: .binaryproto, .npy, .npz.

    Fields of a .caffemodel that nobody knows are kept from .caffemodel to .caffemodel.
    """
    from netdef.weights.means import is_mean

    if is_mean(source) or is_mean(output):
        if maps or dtype or nvidia_fp16 or model:
            raise click.UsageError("--map, --dtype and --model are for weights, not for a mean")
        _convert_mean(source, output)
        return
    if nvidia_fp16 and dtype != "fp16":
        raise click.UsageError("--nvidia-fp16 needs --dtype fp16")
    _convert_weights(source, output, maps, model, dtype or "fp32", nvidia_fp16)


def _convert_mean(source: str, output: str) -> None:
    from netdef.ir import show_shape
    from netdef.source import NetdefError, error
    from netdef.weights.means import read_array, write_mean

    suffixes = (".binaryproto", ".npy", ".npz")
    for path in (source, output):
        if not path.lower().endswith(suffixes):
            text = f"{path} has not the suffix of a mean"
            note = f"known are {', '.join(suffixes)}"
            raise NetdefError(error("unknown-format", text, note=note))
    mean = read_array(source)
    write_mean(output, mean)
    click.echo(f"{output}: a mean of the shape {show_shape(mean.shape)}")


def _convert_weights(
    source: str, output: str, maps: tuple[str, ...], model: str | None, dtype: str, half: bool
) -> None:
    from netdef.weights import read_weights, weight_format, write_weights
    from netdef.weights.rename import rename

    weight_format(output)  # before a large file is read for nothing
    renamings = _renamings(maps)
    net = _load(model)
    weights = read_weights(source)
    report(weights.diagnostics)
    weights, renamed = rename(weights, renamings)
    weights = _with_current_types(weights)
    write_weights(output, weights, net, dtype, raw_half=half)
    _tell(output, weights, dtype)
    if renamed:
        pairs = [f"{old} -> {new}" for old, new in renamed.items()]
        click.echo(f"  renamed: {_some(pairs)}")
    if net is not None:
        _tell_of_net(weights, net)


def _renamings(maps: tuple[str, ...]) -> "list[Renaming]":
    from netdef.weights.rename import parse_renaming, read_renamings

    return [
        renaming
        for text in maps
        for renaming in ([parse_renaming(text)] if "=" in text else read_renamings(text))
    ]


def _load(model: str | None) -> "Net | None":
    from netdef import api

    if model is None:
        return None
    net = api.load(model)
    report(net.diagnostics)
    return net


def _with_current_types(weights: "Weights") -> "Weights":
    from netdef.frontend.upgrade.v1_types import current_type

    return weights.with_layers(
        layer if layer.settings else replace(layer, type=current_type(layer.type))
        for layer in weights.layers
    )


def _tell(output: str, weights: "Weights", dtype: str) -> None:
    from netdef.cli.weights_text import plural

    blobs = [blob for layer in weights.layers for blob in layer.blobs if blob is not None]
    layers = sum(layer.has_blobs for layer in weights.layers)
    values = sum(blob.size for blob in blobs)
    size = os.path.getsize(output)
    click.echo(
        f"{output}: {plural(layers, 'layer')} with {plural(len(blobs), 'blob')}, "
        f"{plural(values, 'value')} as {dtype}, {size:,} bytes"
    )


def _tell_of_net(weights: "Weights", net: "Net") -> None:
    from netdef.weights import match_weights

    match = match_weights(weights, net)
    if match.missing:
        click.echo(f"  left out, without weights: {_some(match.missing)}")
    if match.unused:
        click.echo(f"  kept at the end, not in the net: {_some(match.unused)}")


def _some(names: "list[str] | tuple[str, ...]") -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
