"""`.npz`: one NumPy array per blob, named LAYER/0, LAYER/1, ..., as `numpy.savez` writes them.

A shared parameter is written with its owner only. The keys of blobs with an old kind of shape are
listed in one more array, which only such files have.
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from typing import IO, Any

import numpy as np

from netdef.ir import show_shape
from netdef.source import NetdefError, replacing
from netdef.weights.dtypes import as_dtype, show_dtype
from netdef.weights.faults import MOST_FAULTS, bad_file
from netdef.weights.hdf5 import check_magic, check_names
from netdef.weights.non_finite import NonFinite, count_non_finite
from netdef.weights.weights import Array, StoredLayer, Weights

_LEGACY = "netdef.legacy"
_PYTORCH = ("/data.pkl", "/byteorder", "/version", "/.format_version")
_MAGIC = b"PK\x03\x04"
_EMPTY = b"PK\x05\x06"
_MOST_BLOBS = 1000
_LONGEST_HEADER = 10_000
_BEST_COMPRESSION = 1032  # deflate's
_ERRORS = (
    OSError, EOFError, ValueError, KeyError, TypeError, NotImplementedError, RuntimeError,
    SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error, OverflowError,
)  # fmt: skip
"""What zipfile and numpy raise on a damaged file, depending on where the damage is."""


class _Refused(Exception):
    """Something in the file that cannot be read as arrays."""


def read_npz(path: str | os.PathLike[str]) -> Weights:
    """Read an archive whose arrays are named LAYER/INDEX.

    Raises:
        NetdefError: The file is missing (rule `missing-file`), damaged, or its arrays have other
            names or types (`bad-weight-file`).
    """
    path = os.fspath(path)
    with opened(path) as archive:
        members = {key: info for key, info in archive.items() if key != _LEGACY}
        places = _places(path, members)
        legacy = _listed(archive) if _LEGACY in archive else frozenset[str]()
        bad = NonFinite()
        layers: list[StoredLayer] = []
        for name, keys in places.items():
            arrays: list[Array | None] = [None] * (max(keys) + 1)
            dtypes = ["fp32"] * len(arrays)
            for index, key in keys.items():
                array, dtypes[index] = archive.floats(key)
                bad.add(name, index, count_non_finite(array))
                arrays[index] = array
            old = frozenset(index for index, key in keys.items() if key in legacy)
            layers.append(StoredLayer(name, tuple(arrays), legacy=old, dtypes=tuple(dtypes)))
    return Weights(layers, path=path, omits_shared=True, diagnostics=bad.warnings(path))


def _places(path: str, keys: Iterable[str]) -> dict[str, dict[int, str]]:
    """Return the keys by layer and index."""
    found: dict[str, dict[int, str]] = {}
    faults: list[str] = []
    for key in keys:
        layer, slash, index = key.rpartition("/")
        if slash and index.isdecimal() and int(index) < _MOST_BLOBS:
            if found.setdefault(layer, {}).setdefault(int(index), key) != key:
                faults.append(f": `{key}` is there twice")
        else:
            faults.append(f": array `{key}` is not named after a layer and a blob's number")
    if faults:
        raise NetdefError(bad_file(path, text) for text in faults[:MOST_FAULTS])
    if not found:
        raise _Refused(" holds no arrays")
    return found


def _listed(archive: "Archive") -> frozenset[str]:
    keys = archive.array(_LEGACY)
    if keys.dtype.kind != "U":
        raise _Refused(f": its array `{_LEGACY}` is damaged")
    return frozenset(map(str, keys.reshape(-1)))


class Archive(dict[str, zipfile.ZipInfo]):
    """The arrays of an `.npz` by key, read one at a time."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        """List the members; those of one name twice are refused."""
        super().__init__()
        self._zip = file
        for info in file.infolist():
            key = info.filename.removesuffix(".npy")
            if key == info.filename:
                what = "a PyTorch checkpoint" if key.endswith(_PYTORCH) else "another zip archive"
                raise _Refused(f" is no npz file but {what}: it holds `{key}`")
            if key in self:
                raise _Refused(f": `{key}` is there twice")
            if info.file_size > max(info.compress_size, 1) * _BEST_COMPRESSION:
                raise _Refused(f": `{key}` cannot have the {info.file_size:,} bytes it claims")
            self[key] = info

    def floats(self, key: str) -> tuple[Array, str]:
        """Return an array as float32, and how it is stored."""
        array = self.array(key)
        return _floats(array, f"`{key}`"), show_dtype(array.dtype)

    def array(self, key: str) -> Any:
        """Return an array as it is; one that would need pickle is refused."""
        info = self[key]
        with self._zip.open(info) as member:
            _check_header(member, info.file_size, f"`{key}`")
        with self._zip.open(info) as member:
            array = _read(member)
            member.read(1)  # reading to the end compares the checksum
        return array


def read_npy(path: str) -> Array:
    """Return the array of an `.npy` as float32.

    Raises:
        NetdefError: It is damaged, or holds no numbers (rule `bad-weight-file`).
    """
    with _faults_of(path, "npy"), open(path, "rb") as file:
        _check_header(file, os.path.getsize(path), "its array")
        file.seek(0)
        return _floats(_read(file), "its array")


def _floats(array: Any, what: str) -> Array:
    if array.dtype.kind not in "fiu":
        raise _Refused(f": {what} holds {array.dtype}, not numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(array, np.float32, order="C")


def _read(file: IO[bytes]) -> Any:
    return np.lib.format.read_array(file, allow_pickle=False, max_header_size=_LONGEST_HEADER)


def _check_header(file: IO[bytes], size: int, what: str) -> None:
    """See that an array has the bytes that its shape takes, before memory is taken for it."""
    shape, dtype, length = _header(file)
    if dtype.hasobject:
        raise _Refused(f": {what} holds Python objects, which are not read")
    if prod(shape) * dtype.itemsize != size - length:
        text = f"its shape {show_shape(shape)} of {dtype} takes {prod(shape) * dtype.itemsize:,}"
        raise _Refused(f": {what} has {size - length:,} bytes, but {text}")


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], Any, int]:
    """Return shape, type and the length of what precedes the values."""
    version = np.lib.format.read_magic(member)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise _Refused(f": version {version[0]}.{version[1]} of NumPy's format is not known")
    shape, _, dtype = read(member, max_header_size=_LONGEST_HEADER)
    if any(size < 0 for size in shape):
        raise _Refused(f": {show_shape(shape)} cannot be a shape")
    return shape, dtype, member.tell()


@contextmanager
def opened(path: str) -> Iterator[Archive]:
    """Open an archive; whatever turns out to be wrong with it is a NetdefError."""
    check_magic(path, (_MAGIC, _EMPTY), "npz")
    with _faults_of(path, "npz"), zipfile.ZipFile(path) as file:
        yield Archive(file)


@contextmanager
def _faults_of(path: str, kind: str) -> Iterator[None]:
    try:
        yield
    except NetdefError:
        raise
    except _Refused as refusal:
        raise NetdefError(bad_file(path, str(refusal))) from refusal
    except _ERRORS as fault:
        reason = str(fault.args[0] if fault.args else fault) or type(fault).__name__
        raise NetdefError(bad_file(path, f" is no whole {kind} file: {reason}")) from fault


def write_npz(
    path: str | os.PathLike[str], layers: Iterable[StoredLayer], dtype: str = "fp32"
) -> None:
    """Write an archive, whole or not at all.

    Args:
        path: The file.
        layers: The layers; blobs that are None are left out.
        dtype: "fp32" or "fp16".

    Raises:
        NetdefError: The names of the layers cannot be keys (rule `weight-mismatch`), or the file
            cannot be written (`cannot-write`).
    """
    path = os.fspath(path)
    layers = list(layers)
    check_names(path, layers, _bad_key)
    legacy = [f"{layer.name}/{index}" for layer in layers for index in sorted(layer.legacy)]
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for layer in layers:
            for index, blob in enumerate(layer.blobs):
                if blob is not None:
                    _add(file, f"{layer.name}/{index}", as_dtype(blob, dtype))
        if legacy:
            _add(file, _LEGACY, np.array(legacy))


def write_array(path: str | os.PathLike[str], key: str, array: Any) -> None:
    """Write an archive of one array, whole or not at all.

    Raises:
        NetdefError: The file cannot be written (rule `cannot-write`).
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        _add(file, key, array)


def _add(file: zipfile.ZipFile, key: str, array: Any) -> None:
    # Made so, a member bears no time of day: equal weights are equal files.
    with file.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _bad_key(name: str) -> str | None:
    return "a name in a zip archive has no null character" if "\0" in name else None
