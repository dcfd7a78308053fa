"""Weight files by suffix."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from netdef.ir import Net
from netdef.source import NetdefError, error
from netdef.weights.outgoing import arrange
from netdef.weights.weights import Weights

_SUFFIXES = {
    ".caffemodel": "caffemodel",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".safetensors": "safetensors",
}


def weight_format(path: str | os.PathLike[str]) -> str:
    """Return "caffemodel", "hdf5" or "safetensors", by the suffix of a path.

    Raises:
        NetdefError: The suffix is none of these formats' (rule `unknown-format`).
    """
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    text = f"{os.fspath(path)} has not the suffix of a weight file"
    note = "known are .caffemodel, .caffemodel.h5 (or .h5, .hdf5) and .safetensors"
    raise NetdefError(error("unknown-format", text, note=note))


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """Read a weight file of any format; warnings are in the result's `diagnostics`.

    Args:
        path: A .caffemodel of any version or fork, a .caffemodel.h5 or a .safetensors.

    Raises:
        NetdefError: The suffix is not known (rule `unknown-format`), the file is missing
            or cannot be read (`missing-file`), or it is not whole or not of its format
            (`bad-weight-file`).
    """
    match weight_format(path):
        case "caffemodel":
            from netdef.weights.caffemodel import read_caffemodel as read
        case "hdf5":
            from netdef.weights.hdf5 import read_hdf5 as read
        case _:
            from netdef.weights.safetensors_file import read_safetensors as read
    return read(path)


def write_weights(
    path: str | os.PathLike[str],
    weights: Mapping[str, Sequence[Any]],
    net: Net | None = None,
) -> None:
    """Write a weight file, whole or not at all, in the format of its suffix.

    Args:
        path: A .caffemodel, .caffemodel.h5 or .safetensors.
        weights: Layer name -> arrays in Caffe's order; a `Weights` keeps what else it knows.
        net: The typed net they belong to. With it, every layer is written with its type, bottoms,
            tops and settings, so that Caffe can open a .caffemodel as a net, and shared parameters
            are where their format wants them. Layers whose parameters have no values are left out;
            stored layers that the net lacks follow at the end.

    Raises:
        NetdefError: The suffix is not known (rule `unknown-format`), the weights do not fit the net
            or the format (`weight-mismatch`), a .caffemodel would pass 2 GiB - 1 (`too-large`), or
            the file cannot be written (`cannot-write`). Then no file is left behind, and one that
            was there is as it was.
    """
    kind = weight_format(path)
    weights = Weights.from_arrays(weights)
    layers = arrange(weights, net, repeat_shared=kind == "caffemodel")
    name = net.name if net is not None else weights.name
    match kind:
        case "caffemodel":
            from netdef.weights.caffemodel import write_caffemodel

            write_caffemodel(path, layers, name)
        case "hdf5":
            from netdef.weights.hdf5 import write_hdf5

            write_hdf5(path, layers)
        case _:
            from netdef.weights.safetensors_file import write_safetensors

            write_safetensors(path, layers, name)
