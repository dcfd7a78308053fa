"""`.caffemodel`: a NetParameter whose layers carry blobs.

It is never parsed as one message: published files reach 2 GiB, and a fork's layer parameters have
numbers that mean something else here. Only the name, type and blobs of each layer are looked at.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

import numpy as np

from netdef.ir import Net, Shape
from netdef.schema import pb
from netdef.source import Diagnostic, NetdefError, error, replacing
from netdef.weights.blob_proto import (
    StoredBlob,
    encode_blob,
    encode_half,
    encode_values,
    read_blob,
    scan_blob,
)
from netdef.weights.faults import MOST_FAULTS, bad_file
from netdef.weights.kinds import HEAD, kind_of
from netdef.weights.non_finite import NonFinite
from netdef.weights.outgoing import settings_of
from netdef.weights.weights import Array, StoredLayer, Weights, decode_name
from netdef.weights.wire import (
    LEN,
    VARINT,
    Malformed,
    Overrun,
    WireFile,
    encode_head,
    fields,
)

LARGEST = 2**31 - 1
"""Bytes that a `.caffemodel` may have: protobuf reads no larger message."""

_NET_NAME = 1
_LAYER, _LAYERS = 100, 2
_BLOBS = 7
_LEGACY_AXES = ("num", "channels", "height", "width")
_C3D_TYPES = {"ARGMAX": "CONVOLUTION3D", "THRESHOLD": "POOLING3D"}
"""What C3D v1.0 means by the numbers 30 and 31 of BVLC's types; its files have blobs of 5 axes."""
_CUT_SHORT = "perhaps it was not downloaded or copied to its end"


class _Form(NamedTuple):
    """Field numbers of one of the layer messages."""

    name: int
    type: int
    type_kind: int
    blobs: int
    inner: int = 0


_CURRENT = _Form(name=1, type=2, type_kind=LEN, blobs=_BLOBS)
_V1 = _Form(name=4, type=5, type_kind=VARINT, blobs=6, inner=1)
_V0 = _Form(name=1, type=2, type_kind=LEN, blobs=50)
_FORMS = {_LAYER: _CURRENT, _LAYERS: _V1}


@dataclass
class _Draft:
    """A layer while it is being found."""

    name: str | None = None
    type: str = ""
    settings: bytes = b""
    ranges: list[tuple[int, int]] = field(default_factory=list)
    blobs: list[StoredBlob] = field(default_factory=list)


# ---- reading


def read_caffemodel(path: str | os.PathLike[str]) -> Weights:
    """Read a `.caffemodel` of any version (current, V1, V0) and of any fork.

    Every size is checked against the file before memory is taken for values; beside the arrays,
    which are parts of one block of memory, next to none is.

    Raises:
        NetdefError: The file is missing (rule `missing-file`), or is no whole `.caffemodel`
            (`bad-weight-file`); every blob that does not add up is listed.
    """
    path = os.fspath(path)
    with WireFile(path) as file:
        reader = _Reader(file, path)
        reader.scan()
        return reader.read()


class _Reader:
    def __init__(self, file: WireFile, path: str) -> None:
        self.file = file
        self.path = path
        self.name = ""
        self.settings = b""
        self.drafts: list[_Draft] = []
        self.faults: list[Diagnostic] = []
        self.room = np.empty(0, np.float32)

    def scan(self) -> None:
        """Find all layers and blobs, without their values."""
        try:
            self._scan_net()
        except Overrun as fault:
            text = f" {self._where_cut(fault)}: {fault.message} (at byte {fault.offset:,})"
            self.faults.append(bad_file(self.path, text, _CUT_SHORT))
        except Malformed as fault:
            self._fault(fault, "")
        if self.faults or not self.drafts:
            self._refuse()

    def _scan_net(self) -> None:
        data, pieces, rest = self.file.data, list[bytes](), 0
        for number, kind, at, start, end in fields(data, 0, self.file.size):
            if number not in (_NET_NAME, _LAYER, _LAYERS):
                continue
            pieces.append(data[rest:at])
            rest = end
            if kind != LEN:
                raise Malformed(f"field {number} of the net has the wrong wire type {kind}", at)
            if number == _NET_NAME:
                self.name = decode_name(data[start:end])
            else:
                self._scan_layer(start, end, number)
            if len(self.faults) >= MOST_FAULTS:
                return
        self.settings = b"".join((*pieces, data[rest : self.file.size]))

    def _scan_layer(self, start: int, end: int, number: int) -> None:
        draft = _Draft()
        self.drafts.append(draft)
        try:
            self._fill(draft, start, end, _FORMS[number])
        except Malformed as fault:
            self._fault(fault, f", {self._title(draft)}")
            return
        for index, (first, last) in enumerate(draft.ranges):
            try:
                draft.blobs.append(scan_blob(self.file.data, first, last))
            except Malformed as fault:
                self._fault(fault, f", {self._title(draft)}, blob {index}")
        draft.ranges.clear()

    def _fill(self, draft: _Draft, start: int, end: int, form: _Form) -> None:
        data, kept, pieces = self.file.data, start, list[bytes]()
        for number, kind, at, first, last in fields(data, start, end):
            if number == form.name and kind == LEN:
                draft.name = decode_name(data[first:last])
            elif number == form.type and kind == form.type_kind:
                draft.type = _type_name(first) if kind == VARINT else decode_name(data[first:last])
            elif number == form.blobs and kind == LEN:
                draft.ranges.append((first, last))
                pieces.append(data[kept:at])
                kept = last
            elif number == form.inner and kind == LEN:
                outer = draft.name
                self._fill(draft, first, last, _V0)
                draft.name = draft.name if outer is None else outer
            elif number in form[:2] or number in form[3:]:
                raise Malformed(f"field {number} of the layer has the wrong wire type {kind}", at)
        if form is _CURRENT:
            draft.settings = b"".join((*pieces, data[kept:end]))

    def _where_cut(self, fault: Overrun) -> str:
        """Name the layer that the file ends in, if it gets that far."""
        form = _FORMS.get(fault.number)
        if form is None:
            return "is cut short" if self.drafts else "is no caffemodel, or cut short"
        draft = _Draft()
        self.drafts.append(draft)
        with suppress(Malformed):
            self._fill(draft, fault.start, self.file.size, form)
        return f"is cut short within {self._title(draft)}"

    def _title(self, draft: _Draft) -> str:
        return f"layer `{draft.name}`" if draft.name else f"layer {len(self.drafts)}"

    def _fault(self, fault: Malformed, place: str) -> None:
        text = f"{place}: {fault.message} (at byte {fault.offset:,})"
        self.faults.append(bad_file(self.path, text))

    def _refuse(self) -> None:
        kind = kind_of(self.file.data[:HEAD])
        if kind is not None:
            what, note = kind
            raise NetdefError(bad_file(self.path, f" is no caffemodel but {what}", note))
        raise NetdefError(self.faults or bad_file(self.path, " holds no layers"))

    def read(self) -> Weights:
        """Read the values of what was found."""
        bad = NonFinite()
        # One block of memory for all: the system gives it in large pages, which deep nets with
        # their many middling blobs load much faster into.
        sizes = [prod(blob.shape) for draft in self.drafts for blob in draft.blobs]
        of_c3d = any(_is_c3d(blob) for draft in self.drafts for blob in draft.blobs)
        self.room = np.empty(sum(map(_padded, sizes)), np.float32)
        try:
            layers = [self._read_layer(draft, bad, of_c3d) for draft in self.drafts]
        except Malformed as fault:
            self._fault(fault, "")
            raise NetdefError(self.faults) from fault
        return Weights(
            layers,
            path=self.path,
            name=self.name,
            diagnostics=bad.warnings(self.path),
            settings=self.settings,
        )

    def _read_layer(self, draft: _Draft, bad: NonFinite, of_c3d: bool) -> StoredLayer:
        name = draft.name or ""
        arrays: list[Array] = []
        for index, blob in enumerate(draft.blobs):
            size = prod(blob.shape)
            array, count = read_blob(self.file, blob, self.room[:size])
            self.room = self.room[_padded(size) :]
            arrays.append(array)
            bad.add(name, index, count)
        legacy = frozenset(index for index, blob in enumerate(draft.blobs) if blob.legacy)
        kind = _C3D_TYPES.get(draft.type, draft.type) if of_c3d else draft.type
        dtypes = tuple(blob.dtype for blob in draft.blobs)
        extras = {index: blob.extra for index, blob in enumerate(draft.blobs) if blob.extra}
        return StoredLayer(name, tuple(arrays), kind, legacy, draft.settings, dtypes, extras)


def _is_c3d(blob: StoredBlob) -> bool:
    return blob.legacy and len(blob.shape) > len(_LEGACY_AXES)


def _padded(count: int) -> int:
    """Return a number of values after which the next blob begins at a multiple of 64 bytes."""
    return -(-count // 16) * 16


def _type_name(number: int) -> str:
    value = pb.V1LayerParameter.DESCRIPTOR.enum_types_by_name["LayerType"].values_by_number
    return value[number].name if number in value else str(number)


# ---- writing


def write_caffemodel(
    path: str | os.PathLike[str],
    layers: Sequence[StoredLayer],
    name: str = "",
    settings: bytes = b"",
    half: bool = False,
) -> None:
    """Write a `.caffemodel` in the current format, whole or not at all.

    Args:
        path: The file.
        layers: The layers, every blob in its place.
        name: Name of the net.
        settings: What the net holds beside its name and layers, as bytes.
        half: Whether to write float16 in `raw_data`, which only NVIDIA's fork reads.

    Raises:
        NetdefError: It would be larger than 2 GiB - 1 (rule `too-large`) or a blob cannot be held
            (`weight-mismatch`), both before anything is written; or it cannot be written
            (`cannot-write`).
    """
    path = os.fspath(path)
    _check_blobs(path, layers)
    head = _encode_name(name) + settings
    _check_size(path, len(head) + _size(layers, half))
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(head)
        for piece in _encode(layers, half):
            file.write(piece)


def check_caffemodel_size(net: Net, path: str | os.PathLike[str] = "") -> None:
    """See that the parameters of a typed net will fit into a `.caffemodel`.

    Raises:
        NetdefError: They will not (rule `too-large`); the message names HDF5.
    """
    total = len(net.name.encode()) + 16
    for layer in net.layers:
        body = len(settings_of(layer)) + 32
        body += sum(_blob_size(param.shape) for param in layer.params or ())
        total += body
    _check_size(os.fspath(path) or net.name or "the snapshot", total)


def _check_blobs(path: str, layers: Sequence[StoredLayer]) -> None:
    for layer in layers:
        for index, blob in enumerate(layer.blobs):
            if blob is None:
                why = "is shared, and its owner is not known"
            elif index in layer.legacy and blob.ndim != len(_LEGACY_AXES):
                why = f"has an old kind of shape of {blob.ndim} axes"
            else:
                continue
            text = f"{path}: blob {index} of layer `{layer.name}` {why}"
            note = (
                "the net that the weights belong to tells what to write: `netdef convert --model`"
            )
            raise NetdefError(error("weight-mismatch", text, note=note))


def _check_size(path: str, size: int) -> None:
    if size > LARGEST:
        text = f"{path} would have {size:,} bytes; a .caffemodel ends at 2 GiB - 1"
        note = (
            "write HDF5 (.caffemodel.h5; for a solver `snapshot_format: HDF5`), which has no limit"
        )
        raise NetdefError(error("too-large", text, note=note))


def _blob_size(shape: Shape, legacy: bool = False, half: bool = False, extra: int = 0) -> int:
    before, after = encode_blob(shape, legacy, half)
    body = len(before) + (2 if half else 4) * prod(shape) + len(after) + extra
    return len(encode_head(_BLOBS, body)) + body


def _layer_size(layer: StoredLayer, half: bool) -> int:
    sizes = (
        _blob_size(blob.shape, index in layer.legacy, half, len(layer.extras.get(index, b"")))
        for index, blob in enumerate(layer.blobs)
        if blob is not None
    )
    return len(layer.settings) + sum(sizes)


def _size(layers: Sequence[StoredLayer], half: bool) -> int:
    bodies = [_layer_size(layer, half) for layer in layers]
    return sum(len(encode_head(_LAYER, body)) + body for body in bodies)


def _encode_name(name: str) -> bytes:
    raw = name.encode("utf-8", "surrogateescape")
    return encode_head(_NET_NAME, len(raw)) + raw


def _encode(layers: Sequence[StoredLayer], half: bool) -> Iterator[bytes | memoryview]:
    for layer in layers:
        before, after = _split(layer.settings)
        yield encode_head(_LAYER, _layer_size(layer, half)) + before
        for index, blob in enumerate(layer.blobs):
            assert blob is not None  # noqa: S101 - checked before anything was written
            extra = layer.extras.get(index, b"")
            head, tail = encode_blob(blob.shape, index in layer.legacy, half)
            values = encode_half(blob) if half else encode_values(blob)
            body = len(head) + len(values) + len(tail) + len(extra)
            yield encode_head(_BLOBS, body) + head
            yield values
            yield tail + extra
        yield after


def _split(settings: bytes) -> tuple[bytes, bytes]:
    """Cut a layer's settings where protobuf would put the blobs, so that it writes the same."""
    for number, _, at, _, _ in fields(settings, 0, len(settings)):
        if number > _BLOBS:
            return settings[:at], settings[at:]
    return settings, b""
