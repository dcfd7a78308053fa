"""`.safetensors`: one tensor per blob, named LAYER/0, LAYER/1, ...

Order, types and old shapes of the layers are in the file's metadata, under keys that begin with
`netdef.`; a file without them is read all the same. https://github.com/huggingface/safetensors
"""

import json
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from netdef.source import Diagnostic, NetdefError, replacing
from netdef.weights.dtypes import as_dtype
from netdef.weights.faults import MOST_FAULTS, bad_file, check_regular
from netdef.weights.hdf5 import check_names
from netdef.weights.kinds import HEAD, kind_of
from netdef.weights.non_finite import NonFinite, count_non_finite
from netdef.weights.weights import Array, StoredLayer, Weights

_NET, _LAYERS, _LEGACY = "netdef.net", "netdef.layers", "netdef.legacy"
_DTYPES = {"F32": "fp32", "F16": "fp16", "F64": "fp64", "BF16": "bf16"}
_MOST_BLOBS = 1000


def read_safetensors(path: str | os.PathLike[str]) -> Weights:
    """Read a safetensors file whose tensors are named LAYER/INDEX.

    Raises:
        NetdefError: The file is missing (rule `missing-file`), damaged, or its tensors have other
            names or types (`bad-weight-file`).
    """
    from safetensors import SafetensorError, safe_open

    path = os.fspath(path)
    check_regular(path)
    try:
        with safe_open(path, framework="numpy") as file:
            return _Reader(file, path).run()
    except (SafetensorError, OSError, ValueError) as fault:
        raise NetdefError(_damage(path, fault)) from fault


def _damage(path: str, fault: Exception) -> Diagnostic:
    with open(path, "rb") as file:
        what, note = kind_of(file.read(HEAD)) or ("", None)
    if what and "safetensors" not in what:
        return bad_file(path, f" is no safetensors file but {what}", note)
    return bad_file(path, f" is no whole safetensors file: {fault}")


class _Reader:
    def __init__(self, file: Any, path: str) -> None:
        self.file = file
        self.path = path
        self.metadata: dict[str, str] = file.metadata() or {}

    def run(self) -> Weights:
        blobs = self._blobs()
        listed = self._listed()
        legacy = set(map(str, self._json(_LEGACY)))
        bad = NonFinite()
        layers: list[StoredLayer] = []
        for name in dict.fromkeys((*listed, *blobs)):
            keys = blobs.get(name, {})
            arrays: list[Array | None] = [None] * (max(keys) + 1 if keys else 0)
            dtypes = ["fp32"] * len(arrays)
            for index, key in keys.items():
                array = self._array(key)
                dtypes[index] = self._dtype(key)
                bad.add(name, index, count_non_finite(array))
                arrays[index] = array
            old = frozenset(index for index, key in keys.items() if key in legacy)
            kind = listed.get(name, "")
            layers.append(StoredLayer(name, tuple(arrays), kind, old, dtypes=tuple(dtypes)))
        return Weights(
            layers,
            path=self.path,
            name=self.metadata.get(_NET, ""),
            omits_shared=True,
            diagnostics=bad.warnings(self.path),
        )

    def _dtype(self, key: str) -> str:
        return _DTYPES[self.file.get_slice(key).get_dtype()]

    def _array(self, key: str) -> Array:
        if self._dtype(key) != "bf16":
            with np.errstate(over="ignore", invalid="ignore"):
                return np.asarray(self.file.get_tensor(key), np.float32)
        # NumPy has no such type.
        from safetensors import safe_open

        with safe_open(self.path, framework="pt") as file:
            return file.get_tensor(key).float().numpy()

    def _blobs(self) -> dict[str, dict[int, str]]:
        """Return the keys by layer and index."""
        found: dict[str, dict[int, str]] = {}
        faults: list[str] = []
        for key in self.file.keys():  # noqa: SIM118 - no mapping
            layer, slash, index = key.rpartition("/")
            kind = self.file.get_slice(key).get_dtype()
            if not slash or not index.isdecimal() or int(index) >= _MOST_BLOBS:
                faults.append(f": tensor `{key}` is not named after a layer and a blob's number")
            elif kind not in _DTYPES:
                faults.append(f": tensor `{key}` is {kind}, not one of {', '.join(_DTYPES)}")
            else:
                found.setdefault(layer, {})[int(index)] = key
        if faults:
            raise NetdefError(bad_file(self.path, text) for text in faults[:MOST_FAULTS])
        return found

    def _listed(self) -> dict[str, str]:
        """Return the types of the layers by name, in the net's order."""
        return {str(name): str(kind) for name, kind in self._json(_LAYERS)}

    def _json(self, key: str) -> list[Any]:
        try:
            value = json.loads(self.metadata.get(key, "[]"))
            if isinstance(value, list) and (key != _LAYERS or all(len(v) == 2 for v in value)):
                return value
        except (ValueError, TypeError, RecursionError):
            pass
        raise NetdefError(bad_file(self.path, f": its metadata `{key}` are damaged"))


def write_safetensors(
    path: str | os.PathLike[str],
    layers: Iterable[StoredLayer],
    name: str = "",
    dtype: str = "fp32",
) -> None:
    """Write a safetensors file, whole or not at all.

    Args:
        path: The file.
        layers: The layers; blobs that are None are left out.
        name: Name of the net.
        dtype: "fp32", "fp16" or "bf16".

    Raises:
        NetdefError: Two layers with blobs have one name (rule `weight-mismatch`), or the file
            cannot be written (`cannot-write`).
    """
    from safetensors import SafetensorError

    path = os.fspath(path)
    layers = list(layers)
    check_names(path, layers, lambda _: None)
    blobs = {
        f"{layer.name}/{index}": blob
        for layer in layers
        for index, blob in enumerate(layer.blobs)
        if blob is not None
    }
    legacy = [f"{layer.name}/{index}" for layer in layers for index in sorted(layer.legacy)]
    metadata = {
        _NET: name,
        _LAYERS: json.dumps([[layer.name, layer.type] for layer in layers]),
        _LEGACY: json.dumps(legacy),
    }
    with replacing(path) as temporary:
        mode = os.stat(temporary).st_mode
        try:
            _save(blobs, temporary, metadata, dtype)
            os.chmod(
                temporary, mode
            )  # the library replaces the file by one that others cannot read
        except SafetensorError as fault:
            raise OSError(0, str(fault)) from fault


def _save(blobs: dict[str, Array], path: str, metadata: dict[str, str], dtype: str) -> None:
    if dtype == "bf16":  # NumPy has no such type
        import torch
        from safetensors.torch import save_file

        tensors = {key: torch.tensor(blob).bfloat16() for key, blob in blobs.items()}
        save_file(tensors, path, metadata)
        return
    from safetensors.numpy import save_file

    save_file({key: as_dtype(blob, dtype) for key, blob in blobs.items()}, path, metadata)
