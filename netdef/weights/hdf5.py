"""`.caffemodel.h5`: `data/LAYER/0`, `data/LAYER/1`, ..., as Caffe's HDF5 snapshots have them.

A layer name with slashes is nested groups. A shared parameter is written with its owner only. What
HDF5 could fetch from other files (external links and storage, virtual datasets) is refused.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from netdef.ir import show_shape
from netdef.source import NetdefError, error, replacing
from netdef.weights.dtypes import as_dtype, show_dtype
from netdef.weights.faults import bad_file, check_regular, not_readable
from netdef.weights.kinds import HEAD, kind_of
from netdef.weights.late_errors import late_errors
from netdef.weights.non_finite import NonFinite, count_non_finite
from netdef.weights.weights import Array, StoredLayer, Weights, decode_name

_ROOT = "data"
_LEGACY = "netdef_legacy_shape"
_MAGIC = b"\x89HDF\r\n\x1a\n"
_MOST_BLOBS = 1000
_DEEPEST, _MOST_GROUPS = 64, 100_000
_BEST_COMPRESSION = 1032  # deflate's; no filter that weights are stored with does better
_H5PY_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError)
"""What h5py raises on a damaged file, depending on where the damage is."""


class _Refused(Exception):
    """Something in the file that cannot be read as weights."""


def read_hdf5(path: str | os.PathLike[str]) -> Weights:
    """Read an HDF5 snapshot of a net's parameters.

    Layers come in HDF5's order, which is that of their names.

    Raises:
        NetdefError: The file is missing (rule `missing-file`) or is not such a snapshot
            (`bad-weight-file`).
    """
    path = os.fspath(path)
    check_magic(path, _MAGIC, "HDF5")
    with _opened(path) as file:
        return _Reader(file, path).run()


def check_magic(path: str, magic: bytes | tuple[bytes, ...], wanted: str) -> None:
    """See that a file begins with `magic`, or one of several.

    Raises:
        NetdefError: It does not, or cannot be read; the message says what it seems to be.
    """
    check_regular(path)
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as fault:
        raise not_readable(path, fault) from fault
    if not head.startswith(magic):
        what, note = kind_of(head) or ("something else", None)
        raise NetdefError(bad_file(path, f" is no {wanted} file but {what}", note))


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except _Refused as refusal:
        raise NetdefError(bad_file(path, str(refusal))) from refusal
    except _H5PY_ERRORS as fault:
        reason = str(fault.args[0] if fault.args else fault)
        raise NetdefError(bad_file(path, f" is damaged: HDF5 says {reason!r}")) from fault


class _Reader:
    def __init__(self, file: Any, path: str) -> None:
        self.file = file
        self.path = path
        self.size = os.path.getsize(path)
        self.groups = 0
        self.read: dict[Any, Array] = {}
        self.bad = NonFinite()

    def run(self) -> Weights:
        import h5py

        root = self._member(self.file, _ROOT) if _ROOT in self.file else None
        if not isinstance(root, h5py.Group):
            raise _Refused(f" is no snapshot of weights: it has no group `{_ROOT}`")
        layers: list[StoredLayer] = []
        self._walk(root, "", layers, 0)
        return Weights(
            layers, path=self.path, omits_shared=True, diagnostics=self.bad.warnings(self.path)
        )

    def _walk(self, group: Any, name: str, layers: list[StoredLayer], depth: int) -> None:
        """Add the layer that a group is, and those in the groups inside it."""
        self.groups += 1
        if depth > _DEEPEST or self.groups > _MOST_GROUPS:
            raise _Refused(f": the groups at `{name}` are nested too deep, or in a circle")
        blobs, groups = self._members(group, name)
        if name and (blobs or not groups):
            layers.append(self._layer(name, blobs))
        for key, member in groups.items():
            self._walk(member, f"{name}/{key}" if name else key, layers, depth + 1)

    def _members(self, group: Any, name: str) -> tuple[dict[int, Any], dict[str, Any]]:
        import h5py

        blobs: dict[int, Any] = {}
        groups: dict[str, Any] = {}
        for key in group:
            member = self._member(group, key)
            if isinstance(member, h5py.Group):
                groups[_decoded(key)] = member
            elif isinstance(member, h5py.Dataset) and key.isdecimal() and int(key) < _MOST_BLOBS:
                blobs[int(key)] = member
            else:
                raise _Refused(f": `{name}/{key}` is not a blob's number")
        return blobs, groups

    def _member(self, group: Any, key: str) -> Any:
        """Return what lies in a group, if it lies in this file."""
        import h5py

        external = isinstance(group.get(key, getlink=True), h5py.ExternalLink)
        # A soft link may lead through an external one.
        if external or group[key].file.filename != self.file.filename:
            raise _Refused(f": `{group.name}/{key}` is a link into another file")
        return group[key]

    def _layer(self, name: str, datasets: dict[int, Any]) -> StoredLayer:
        arrays: list[Array | None] = [None] * (max(datasets) + 1 if datasets else 0)
        for index, dataset in datasets.items():
            array = self._array(dataset, f"layer `{name}`, blob {index}")
            self.bad.add(name, index, count_non_finite(array))
            arrays[index] = array
        legacy = frozenset(i for i, dataset in datasets.items() if _LEGACY in dataset.attrs)
        dtypes = ["fp32"] * len(arrays)
        for index, dataset in datasets.items():
            dtypes[index] = show_dtype(dataset.dtype)
        return StoredLayer(name, tuple(arrays), legacy=legacy, dtypes=tuple(dtypes))

    def _array(self, dataset: Any, what: str) -> Array:
        """Return the values; those of a dataset that is linked twice are one array."""
        if dataset not in self.read:
            self._check(dataset, what)
            array = np.empty(dataset.shape, np.float32)
            if array.size:
                dataset.read_direct(array)
            self.read[dataset] = array
        return self.read[dataset]

    def _check(self, dataset: Any, what: str) -> None:
        """See that values are numbers, in this file, and as many as the shape says."""
        if dataset.shape is None or dataset.dtype.kind not in "fiu":
            raise _Refused(f", {what}: it holds {dataset.dtype}, not numbers")
        if dataset.external or dataset.is_virtual:
            raise _Refused(f", {what}: its values are in another file")
        stored = min(dataset.id.get_storage_size(), self.size)
        size = prod(dataset.shape) * dataset.dtype.itemsize
        if size > stored * (_BEST_COMPRESSION if dataset.chunks else 1):
            shape = show_shape(dataset.shape)
            text = f"its shape {shape} takes {size:,} bytes, but {stored:,} are stored"
            raise _Refused(f", {what}: {text}")


def _decoded(key: str) -> str:
    return decode_name(key.encode("utf-8", "surrogateescape"))


def write_hdf5(
    path: str | os.PathLike[str], layers: Iterable[StoredLayer], dtype: str = "fp32"
) -> None:
    """Write an HDF5 snapshot that Caffe reads, whole or not at all.

    Args:
        path: The file.
        layers: The layers; blobs that are None are left out, as Caffe leaves out shared ones.
        dtype: "fp32" or "fp16".

    Raises:
        NetdefError: HDF5 cannot hold layers of these names (rule `weight-mismatch`), or the file
            cannot be written (`cannot-write`).
    """
    import h5py

    path = os.fspath(path)
    layers = list(layers)
    check_names(path, layers)
    with (
        replacing(path) as temporary,
        _errors_of_h5py(),
        late_errors(temporary) as raw,
        h5py.File(raw, "w") as file,
    ):
        root = file.create_group(_ROOT)
        for layer in layers:
            group = root.require_group(layer.name)
            for index, blob in enumerate(layer.blobs):
                if blob is not None:
                    dataset = group.create_dataset(str(index), data=as_dtype(blob, dtype))
                    if index in layer.legacy:
                        dataset.attrs[_LEGACY] = True


@contextmanager
def _errors_of_h5py() -> Iterator[None]:
    try:
        yield
    except RuntimeError as fault:  # a full disk, say
        raise OSError(0, str(fault)) from fault


def check_names(
    path: str, layers: Iterable[StoredLayer], refuse: Callable[[str], str | None] | None = None
) -> None:
    """See that the names of the layers can be keys.

    Args:
        path: The file, for the message.
        layers: The layers; several of one name are one if at most one has blobs.
        refuse: Says what is wrong with a name; HDF5's own rules if not given.

    Raises:
        NetdefError: They cannot; all are listed.
    """
    layers = list(layers)
    problems: dict[str, str] = {}
    with_blobs: set[str] = set()
    blobs = {f"{s.name}/{i}" for s in layers for i, b in enumerate(s.blobs) if b is not None}
    for layer in layers:
        why = (refuse or _bad_path)(layer.name)
        if layer.has_blobs and layer.name in with_blobs:
            why = "there are two of that name"
        elif refuse is None and _prefixes(layer.name) & blobs:
            why = "a blob of another layer has that name"
        if layer.has_blobs:
            with_blobs.add(layer.name)
        if why:
            problems[layer.name] = why
    if problems:
        lines = (f"{path} cannot hold layer `{name}`: {why}" for name, why in problems.items())
        raise NetdefError(error("weight-mismatch", text) for text in lines)


def _bad_path(name: str) -> str | None:
    if "\0" in name or any(step in ("", ".") for step in name.split("/")):
        return "HDF5 has no such path"
    return None


def _prefixes(name: str) -> set[str]:
    steps = name.split("/")
    return {"/".join(steps[:count]) for count in range(2, len(steps) + 1)}
