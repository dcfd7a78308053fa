"""Weight files by suffix."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from netdef.ir import Net
from netdef.source import NetdefError, error
from netdef.weights.dtypes import DTYPES, check_range
from netdef.weights.kinds import HEAD, kind_of
from netdef.weights.outgoing import arrange
from netdef.weights.weights import Weights

_SUFFIXES = {
    ".caffemodel": "caffemodel",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".safetensors": "safetensors",
    ".npz": "npz",
}
_NO_HALF = (
    "a .caffemodel holds fp16 only as NVIDIA's fork has it, which no other Caffe reads; "
    "`netdef convert --nvidia-fp16` writes that"
)
_NO_BF16 = "bf16 is a type of .safetensors only; .npz, .caffemodel.h5 and NumPy have none like it"


def weight_format(path: str | os.PathLike[str]) -> str:
    """Return "caffemodel", "hdf5", "safetensors" or "npz", by the suffix of a path.

    Raises:
        NetdefError: The suffix is none of these formats' (rule `unknown-format`).
    """
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    text = f"{os.fspath(path)} has not the suffix of a weight file"
    note = "known are .caffemodel, .caffemodel.h5 (or .h5, .hdf5), .safetensors and .npz"
    raise NetdefError(error("unknown-format", text, note=note))


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """Read a weight file of any format; warnings are in the result's `diagnostics`.

    Args:
        path: A .caffemodel of any version or fork, a .caffemodel.h5, .safetensors or .npz.

    Raises:
        NetdefError: The suffix is not known (rule `unknown-format`), the file is missing
            or cannot be read (`missing-file`), or it is not whole or not of its format
            (`bad-weight-file`).
    """
    match _format_to_read(os.fspath(path)):
        case "caffemodel":
            from netdef.weights.caffemodel import read_caffemodel as read
        case "hdf5":
            from netdef.weights.hdf5 import read_hdf5 as read
        case "npz":
            from netdef.weights.npz import read_npz as read
        case _:
            from netdef.weights.safetensors_file import read_safetensors as read
    return read(path)


def _format_to_read(path: str) -> str:
    try:
        return weight_format(path)
    except NetdefError as fault:
        kind = _kind_of_file(path)
        if kind is None:
            raise
        text = f"{path} is no weight file but {kind[0]}"
        note = kind[1] or fault.diagnostics[0].note
        raise NetdefError(error("unknown-format", text, note=note)) from fault


def _kind_of_file(path: str) -> tuple[str, str | None] | None:
    try:
        with open(path, "rb") as file:
            return kind_of(file.read(HEAD))
    except OSError:
        return None


def write_weights(
    path: str | os.PathLike[str],
    weights: Mapping[str, Sequence[Any]],
    net: Net | None = None,
    dtype: str = "fp32",
    raw_half: bool = False,
) -> None:
    """Write a weight file, whole or not at all, in the format of its suffix.

    Args:
        path: A .caffemodel, .caffemodel.h5, .safetensors or .npz.
        weights: Layer name -> arrays in Caffe's order; a `Weights` keeps what else it knows.
        net: The typed net they belong to. With it, every layer is written with its type, bottoms,
            tops and settings, so that Caffe can open a .caffemodel as a net, and shared parameters
            are where their format wants them. Layers whose parameters have no values are left out;
            stored layers that the net lacks follow at the end.
        dtype: What values are rounded to: "fp32", "fp16", or, in a .safetensors, "bf16".
        raw_half: Whether fp16 may be written into a .caffemodel as NVIDIA's fork does.

    Raises:
        NetdefError: The suffix is not known (rule `unknown-format`), the weights do not fit the net
            or the format (`weight-mismatch`), a .caffemodel would pass 2 GiB - 1 (`too-large`), or
            the file cannot be written (`cannot-write`), the format does not have the type
            (`unsupported-dtype`), or a value is too large for it (`dtype-overflow`). Then no file
            is left behind, and one that was there is as it was.
    """
    kind = weight_format(path)
    _check_dtype(os.fspath(path), kind, dtype, raw_half)
    weights = Weights.from_arrays(weights)
    layers = arrange(weights, net, repeat_shared=kind == "caffemodel")
    check_range(os.fspath(path), layers, dtype)
    name = net.name if net is not None else weights.name
    match kind:
        case "caffemodel":
            from netdef.weights.caffemodel import write_caffemodel

            settings = weights.settings if net is None else b""
            write_caffemodel(path, layers, name, settings, half=dtype == "fp16")
        case "hdf5":
            from netdef.weights.hdf5 import write_hdf5

            write_hdf5(path, layers, dtype)
        case "npz":
            from netdef.weights.npz import write_npz

            write_npz(path, layers, dtype)
        case _:
            from netdef.weights.safetensors_file import write_safetensors

            write_safetensors(path, layers, name, dtype)


def _check_dtype(path: str, kind: str, dtype: str, raw_half: bool) -> None:
    if dtype not in DTYPES:
        raise ValueError(f"{dtype!r} is none of {', '.join(DTYPES)}")
    note = None
    if dtype == "bf16" and kind != "safetensors":
        note = _NO_BF16
    elif dtype == "fp16" and kind == "caffemodel" and not raw_half:
        note = _NO_HALF
    if note is not None:
        text = f"{path} cannot hold {dtype}"
        raise NetdefError(error("unsupported-dtype", text, note=note))
