"""`.binaryproto`: a file that is one BlobProto; mean images are kept so."""

import os
from typing import Any

import numpy as np

from netdef.ir import show_shape
from netdef.source import NetdefError, replacing
from netdef.weights.blob_proto import encode_blob, encode_values, read_blob, scan_blob
from netdef.weights.faults import bad_file
from netdef.weights.kinds import HEAD, kind_of
from netdef.weights.weights import Array
from netdef.weights.wire import Malformed, WireFile

_IMAGE_AXES, _BATCH_AXES = 3, 4


def read_binaryproto(path: str | os.PathLike[str]) -> Array:
    """Return the blob in a file, of the shape it is stored with: (1, C, H, W) for a mean image.

    Raises:
        NetdefError: The file is missing (rule `missing-file`) or is not a BlobProto
            (`bad-weight-file`).
    """
    path = os.fspath(path)
    with WireFile(path) as file:
        try:
            array, _ = read_blob(file, scan_blob(file.data, 0, file.size))
        except Malformed as fault:
            kind = kind_of(file.data[:HEAD])
            if kind is not None:
                diagnostic = bad_file(path, f" is no binaryproto but {kind[0]}", kind[1])
            else:
                where = f" is no whole blob: {fault.message} (at byte {fault.offset:,})"
                diagnostic = bad_file(path, where)
            raise NetdefError(diagnostic) from fault
    return array


def read_mean(path: str | os.PathLike[str]) -> Array:
    """Return the mean image in a file, (C, H, W), channels BGR, in the scale of the pixels.

    Raises:
        NetdefError: As `read_binaryproto`, and when it is not one image (`bad-weight-file`).
    """
    array = read_binaryproto(path)
    if array.size and array.ndim == _BATCH_AXES and len(array) == 1:
        return array[0]
    if array.size and array.ndim == _IMAGE_AXES:
        return array
    text = f" is no mean image: its shape is {show_shape(array.shape)}, not (1, C, H, W)"
    raise NetdefError(bad_file(os.fspath(path), text))


def write_binaryproto(path: str | os.PathLike[str], array: Any) -> None:
    """Write a blob, whole or not at all.

    Up to four axes are written as num, channels, height and width, which every reader knows:
    (C, H, W) becomes (1, C, H, W).

    Raises:
        NetdefError: The file cannot be written (rule `cannot-write`).
    """
    values = np.asarray(array, "<f4", order="C")
    legacy = values.ndim <= _BATCH_AXES
    shape = (1,) * (_BATCH_AXES - values.ndim) + values.shape if legacy else values.shape
    with replacing(path) as temporary, open(temporary, "wb") as file:
        before, after = encode_blob(shape, legacy)
        file.write(before)
        file.write(encode_values(values))
        file.write(after)
