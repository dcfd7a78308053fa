"""Mean images under their suffixes: `.binaryproto`, `.npy`, and `.npz` with a single array."""

import os
from typing import Any

import numpy as np

from netdef.ir import show_shape
from netdef.source import NetdefError, replacing
from netdef.weights.binaryproto import read_binaryproto, write_binaryproto
from netdef.weights.faults import bad_file
from netdef.weights.hdf5 import check_magic
from netdef.weights.npz import opened, read_npy, write_array
from netdef.weights.weights import Array

_BATCH_AXES = 4
_KEY = "mean"
_NPY_MAGIC = b"\x93NUMPY"


def is_mean(path: str | os.PathLike[str]) -> bool:
    """Whether a path has a suffix that only a mean has; an .npz may hold either."""
    return _suffix(path) in (".binaryproto", ".npy")


def read_array(path: str | os.PathLike[str]) -> Array:
    """Return a mean of any of these formats: (C, H, W), or what else it is, as float32.

    The (1, C, H, W) of a .binaryproto is (C, H, W) here.

    Raises:
        NetdefError: The file is missing (rule `missing-file`), damaged, or an .npz of several
            arrays (`bad-weight-file`).
    """
    path = os.fspath(path)
    match _suffix(path):
        case ".binaryproto":
            array = read_binaryproto(path)
            return array[0] if array.ndim == _BATCH_AXES and len(array) == 1 else array
        case ".npy":
            check_magic(path, _NPY_MAGIC, "NumPy")
            return read_npy(path)
        case _:
            with opened(path) as archive:
                if len(archive) == 1:
                    return archive.floats(next(iter(archive)))[0]
            text = f" holds {len(archive)} arrays, not one mean image"
            raise NetdefError(bad_file(path, text))


def write_mean(path: str | os.PathLike[str], array: Any) -> None:
    """Write a mean, whole or not at all, in the format of its suffix.

    Raises:
        NetdefError: A .binaryproto cannot hold it (rule `bad-weight-file`), or the file cannot be
            written (`cannot-write`).
    """
    path = os.fspath(path)
    if _suffix(path) == ".binaryproto":
        if not 1 <= array.ndim <= _BATCH_AXES:
            text = f" cannot hold a mean of the shape {show_shape(array.shape)}"
            raise NetdefError(bad_file(path, text, "a mean is (C, H, W), or one value per channel"))
        write_binaryproto(path, array)
    elif _suffix(path) == ".npz":
        write_array(path, _KEY, array)
    else:
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)


def _suffix(path: str | os.PathLike[str]) -> str:
    return os.path.splitext(os.fspath(path))[1].lower()
