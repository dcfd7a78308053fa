"""The options of `netdef export` that are for ONNX files only."""

from collections.abc import Callable
from functools import wraps
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef import api
from netdef.source import NetdefError, error

if TYPE_CHECKING:
    from netdef.ir import Net
    from netdef.onnx_backend.preprocessing import Preprocessing

_OPTIONS = (
    click.option("--opset", type=int, help="Version of ONNX's operators; 17 by default."),
    click.option("--static-batch", is_flag=True, help="Fix the batch size of the net."),
    click.option(
        "--dynamic-size",
        is_flag=True,
        help="Leave height and width open where the net works for every size.",
    ),
    click.option(
        "--fp16",
        is_flag=True,
        help="Weights and arithmetic in half precision; inputs and outputs stay float32, and so"
        " does what ONNX knows in float32 only: loops, the choice of detections.",
    ),
    click.option(
        "--no-verify", is_flag=True, help="Check the file, but do not compare with onnxruntime."
    ),
    click.option(
        "--labels", type=click.Path(), help="Names of the classes, to be noted: a line for each."
    ),
    click.option(
        "--preprocess",
        is_flag=True,
        help="Take images, and do to them what the net's data layer does: mean and scale.",
    ),
    click.option(
        "--train-net", type=click.Path(), help="The net whose data layer says it; MODEL by default."
    ),
    click.option(
        "--mean",
        metavar="FILE|V,V,V",
        help="Take images, and subtract this: a .binaryproto or .npy, or values for B, G, R.",
    ),
    click.option("--scale", type=float, help="Take images, and multiply by this, after the mean."),
    click.option(
        "--rgb/--bgr",
        default=None,
        help="Take images with channels RGB, for a net that reads BGR; or as the net reads them.",
    ),
    click.option("--uint8", is_flag=True, help="Take images as bytes, not as float32."),
)
_NAMES = (
    *("opset", "static_batch", "dynamic_size", "fp16", "no_verify", "labels"),
    *("preprocess", "train_net", "mean", "scale", "rgb", "uint8"),
)


def onnx_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, given to the command as one dict `onnx`."""

    @wraps(function)
    def gathered(**given: Any) -> Any:
        onnx = {name: given.pop(name) for name in _NAMES}
        return function(**given, onnx=onnx)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered


def arguments(net: "Net", onnx: dict[str, Any]) -> dict[str, Any]:
    """Return what these options are to `netdef.export_onnx`.

    Raises:
        NetdefError: A file that they name is missing or damaged, or nothing says how images are
            prepared.
    """
    return {
        "opset": onnx["opset"],
        "dynamic_batch": not onnx["static_batch"],
        "dynamic_size": onnx["dynamic_size"],
        "half": onnx["fp16"],
        "verify": not onnx["no_verify"],
        "labels": _labels(onnx["labels"]) if onnx["labels"] else (),
        "preprocessing": _preprocessing(net, onnx),
    }


def _labels(path: str) -> list[str]:
    from netdef.predict.labels import read_labels

    labels = read_labels(path)
    return [labels.get(number, "") for number in range(max(labels) + 1)]


def _preprocessing(net: "Net", onnx: dict[str, Any]) -> "Preprocessing | None":
    from netdef.onnx_backend.preprocessing import Preprocessing
    from netdef.weights.mean_option import read_mean_option

    mean, scale, rgb = (onnx[name] for name in ("mean", "scale", "rgb"))
    asked = onnx["preprocess"] or onnx["train_net"]
    if not asked and not onnx["uint8"] and mean is None and scale is None and rgb is None:
        return None
    if scale is not None and not 0 < abs(scale) < inf:
        raise NetdefError(error("bad-value", f"the scale {scale:g} makes nothing of an image"))
    base = _of_data_layer(net, onnx["train_net"], mean is None) if asked else Preprocessing()
    return Preprocessing(
        base.mean if mean is None else read_mean_option(mean),
        base.scale if scale is None else scale,
        bool(rgb),
        onnx["uint8"],
    )


def _of_data_layer(net: "Net", train_net: str | None, with_mean: bool) -> "Preprocessing":
    """Return what a data layer says, in phase TEST or, where that has none, in TRAIN."""
    from netdef.onnx_backend.preprocessing import preprocessing_of

    path = train_net or (net.file.path if net.file else "the net")
    phases = ("TEST", "TRAIN") if Path(path).is_file() else ()
    nets = [] if train_net else [net]
    for one in (*nets, *(api.load(path, phase) for phase in phases)):
        found = preprocessing_of(one, with_mean)
        if found is not None:
            return found
    text = f"no data layer of {path} says how images are prepared"
    note = "give the training net with --train-net, or --mean and --scale"
    raise NetdefError(error("no-preprocessing", text, note=note))
