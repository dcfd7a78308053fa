"""One BlobProto on the wire: where its values are, and how to write one.

A blob comes in these layouts, told apart by their fields:

- today's: `shape` 7, `data` 5 or `double_data` 8;
- the old one: num 1, channels 2, height 3, width 4 in place of `shape`, which they override;
- NVIDIA's: `raw_data` 12 of the type `raw_data_type` 10;
- that of C3D v1.0: num 1, channels 2, length 3, height 4, width 5 and the data in 6.

Repeated numbers may be packed or not, in any mixture.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from netdef.ir import Shape, show_shape
from netdef.weights.weights import Array
from netdef.weights.wire import (
    FIXED32,
    FIXED64,
    LEN,
    VARINT,
    Buffer,
    Malformed,
    WireFile,
    encode_head,
    encode_varint,
    fields,
    signed,
    varint,
)

_DATA, _C3D_DATA, _SHAPE, _DOUBLE_DATA, _RAW_TYPE, _RAW_DATA = 5, 6, 7, 8, 10, 12
_C3D_WIDTH = 5
_EXTENTS, _C3D_EXTENTS = range(1, 5), range(1, 6)
_LAST_KNOWN = 13
_RAW_DTYPES = {0: "<f8", 1: "<f4", 2: "<f2"}
_HALF = 2
_FIXED = {FIXED32: "<f4", FIXED64: "<f8"}
_SHOWN = {"<f8": "fp64", "<f4": "fp32", "<f2": "fp16"}

_MOST_AXES = 32  # Caffe's limit
_MOST_ELEMENTS = 2**40
_MOST_RUNS = 65536
_LONGEST_SHAPE = 36  # bytes: fewer axes than the most
_CHUNK = 65536  # values at a time, so that they are still in the cache for the second look


class Run(NamedTuple):
    """Values that lie in a row: `count` of them, `stride` bytes apart, the first at `start`."""

    start: int
    count: int
    stride: int
    dtype: str


class StoredBlob(NamedTuple):
    """Where a blob lies in a file; its size has been checked.

    Attributes:
        shape: Its shape as stored.
        legacy: Whether that was num/channels/height/width.
        runs: Where its values are.
        extra: The fields that are none of these layouts', as bytes.
    """

    shape: Shape
    legacy: bool
    runs: tuple[Run, ...]
    extra: bytes = b""

    @property
    def dtype(self) -> str:
        """How its values are stored: "fp16", "fp32" or "fp64"."""
        return _SHOWN[self.runs[0].dtype] if self.runs else "fp32"


class _Scan:
    """The fields of a BlobProto, gathered; what they mean is known only at the end."""

    def __init__(self, data: Buffer, start: int, end: int) -> None:
        self.data = data
        self.start = start
        self.numbers: dict[int, int] = {}
        self.runs: dict[int, list[Run]] = {}
        self.shapes: list[tuple[int, int]] = []
        unknown, rest = list[bytes](), start
        for number, kind, at, first, stop in fields(data, start, end):
            if number <= _LAST_KNOWN:
                unknown.append(data[rest:at])
                rest = stop
            if kind == VARINT:
                self.numbers[number] = first
            elif kind == LEN and number == _SHAPE:
                self.shapes.append((first, stop))
            elif number in (_DATA, _C3D_DATA, _SHAPE, _DOUBLE_DATA, _RAW_DATA):
                self._add_run(number, kind, at, first, stop)
            elif number in _C3D_EXTENTS or number == _RAW_TYPE:
                raise _wrong_type(number, kind, at)
        self.extra = b"".join((*unknown, data[rest:end]))

    def _add_run(self, number: int, kind: int, at: int, first: int, stop: int) -> None:
        if kind == LEN:
            run = Run(first, stop - first, 1, "")
        else:
            stride = first - at + np.dtype(_FIXED[kind]).itemsize
            run = Run(first, (stop - at) // stride, stride, _FIXED[kind])
        runs = self.runs.setdefault(number, [])
        if len(runs) == _MOST_RUNS:
            raise Malformed("its values are in too many pieces", at)
        if run.count:
            runs.append(run)

    def blob(self) -> StoredBlob:
        if _C3D_WIDTH in self.numbers and _DATA not in self.runs:
            return self._finish(self._legacy_shape(_C3D_EXTENTS), True, self._values(_C3D_DATA))
        self._check_types()
        legacy = any(number in self.numbers for number in _EXTENTS)
        shape = self._legacy_shape(_EXTENTS) if legacy else self._shape()
        runs = self._values(_DOUBLE_DATA, "<f8") or self._values(_DATA)
        return self._finish(shape, legacy, runs or self._raw_values())

    def _legacy_shape(self, extents: range) -> Shape:
        return tuple(signed(self.numbers.get(number, 0), 32) for number in extents)

    def _check_types(self) -> None:
        for number in (_DATA, _C3D_DATA, _SHAPE, _DOUBLE_DATA, _RAW_DATA):
            if number in self.numbers:
                raise _wrong_type(number, VARINT, self.start)
        if _SHAPE in self.runs:
            raise _wrong_type(_SHAPE, FIXED32, self.start)

    def _shape(self) -> Shape:
        dims: list[int] = []
        for start, end in self.shapes:
            _add_dims(dims, self.data, start, end)
        return tuple(dims)

    def _values(self, number: int, dtype: str = "<f4") -> tuple[Run, ...]:
        return tuple(_typed(run, number, dtype) for run in self.runs.get(number, ()))

    def _raw_values(self) -> tuple[Run, ...]:
        runs = self.runs.get(_RAW_DATA, [])[-1:]
        if not runs:
            return ()
        kind = self.numbers.get(_RAW_TYPE, 0)
        if kind not in _RAW_DTYPES:
            text = f"its raw data are of type {kind}; known are 0 (double), 1 (float), 2 (half)"
            raise Malformed(text, self.start)
        return (_typed(runs[0], _RAW_DATA, _RAW_DTYPES[kind]),)

    def _finish(self, shape: Shape, legacy: bool, runs: tuple[Run, ...]) -> StoredBlob:
        _check_shape(shape, sum(run.count for run in runs), self.start)
        return StoredBlob(shape, legacy, runs, self.extra)


def _check_shape(shape: Shape, count: int, at: int) -> None:
    if shape and (len(shape) > _MOST_AXES or min(shape) < 0 or max(shape) >= 2**31):
        raise Malformed(f"{show_shape(shape)} cannot be a shape", at)
    wanted = prod(shape)
    if count != wanted:
        text = f"it has {count:,} values, but its shape {show_shape(shape)} takes {wanted:,}"
        raise Malformed(text, at)
    # A 0 among the sizes does not hide the absurdity of the others from numpy.
    if not count and prod(size for size in shape if size) > _MOST_ELEMENTS:
        raise Malformed(f"the shape {show_shape(shape)} is absurdly large", at)


def _typed(run: Run, number: int, dtype: str) -> Run:
    if run.dtype:
        if run.dtype != dtype:
            raise _wrong_type(number, FIXED32 if run.dtype == "<f4" else FIXED64, run.start)
        return run
    width = np.dtype(dtype).itemsize
    if run.count % width:
        text = f"{run.count:,} bytes of values are not a multiple of {width}"
        raise Malformed(text, run.start)
    return Run(run.start, run.count // width, width, dtype)


def _add_dims(dims: list[int], data: Buffer, start: int, end: int) -> None:
    for number, kind, at, first, stop in fields(data, start, end):
        if number != 1:
            continue
        if kind == VARINT:
            dims.append(signed(first, 64))
        elif kind == LEN:
            while first < stop and len(dims) <= _MOST_AXES:
                size, first = varint(data, first, stop)
                dims.append(signed(size, 64))
        else:
            raise _wrong_type(number, kind, at)
        if len(dims) > _MOST_AXES:
            raise Malformed(f"its shape has more than {_MOST_AXES} axes", at)


def _wrong_type(number: int, kind: int, at: int) -> Malformed:
    return Malformed(f"field {number} of the blob has the wrong wire type {kind}", at)


def scan_blob(data: Buffer, start: int, end: int) -> StoredBlob:
    """Find out where the BlobProto from `start` up to `end` keeps its values.

    Raises:
        Malformed: It is not a BlobProto, its shape is impossible, or the number of its values is
            not the product of its shape.
    """
    return _scan_usual(data, start, end) or _Scan(data, start, end).blob()


def _scan_usual(data: Buffer, start: int, end: int) -> StoredBlob | None:
    """Return a blob that is as protobuf writes it today, packed data before shape; else None.

    Nearly every blob is, and deep nets have thousands.
    """
    if start == end or data[start] != _DATA << 3 | LEN:
        return None
    size, first = varint(data, start + 1, end)
    stop = first + size
    shape = data[stop:end] if end - stop < _LONGEST_SHAPE else b""
    head = (_SHAPE << 3 | LEN, len(shape) - 2, 1 << 3 | LEN, len(shape) - 4)
    if size % 4 or stop > end or tuple(shape[:4]) != head:
        return None
    dims: list[int] = []
    pos = 4
    while pos < len(shape):
        dim, pos = varint(shape, pos, len(shape))
        dims.append(signed(dim, 64))
    _check_shape(tuple(dims), size // 4, start)
    return StoredBlob(tuple(dims), False, (Run(first, size // 4, 4, "<f4"),) if size else ())


def read_blob(file: WireFile, blob: StoredBlob, room: Array | None = None) -> tuple[Array, int]:
    """Return the values of a blob, of its stored shape, and how many are NaN or infinite.

    Args:
        file: The file the blob was found in.
        blob: Where it is.
        room: One-dimensional memory of just its size, to take instead of new memory.

    Raises:
        Malformed: The file has become shorter since the blob was found.
    """
    flat = np.empty(prod(blob.shape), "<f4") if room is None else room
    done = bad = 0
    for run in blob.runs:
        for first in range(0, run.count, _CHUNK):
            part = flat[done : done + min(_CHUNK, run.count - first)]
            _read_part(file, part, run, first)
            bad += part.size - int(np.count_nonzero(np.isfinite(part)))
            done += part.size
    return flat.reshape(blob.shape), bad


def _read_part(file: WireFile, part: Array, run: Run, first: int) -> None:
    if run.dtype == "<f4" and run.stride == part.itemsize:
        file.read_into(part, run.start + first * run.stride)
        return
    width = np.dtype(run.dtype).itemsize
    raw = np.empty((len(part), run.stride), np.uint8)
    # Read from before the value on, so that a value is the end of its row: what precedes the first
    # one is its tag, but nothing need follow the last.
    lead = run.stride - width
    file.read_into(raw, run.start - lead + first * run.stride)
    with np.errstate(over="ignore", invalid="ignore"):
        part[:] = np.ascontiguousarray(raw[:, lead:]).view(run.dtype)[:, 0]


def encode_blob(shape: Shape, legacy: bool = False, half: bool = False) -> tuple[bytes, bytes]:
    """Return what comes before and after the values in a BlobProto, in the order of the fields.

    Between them belong `4 * prod(shape)` bytes of float32 (see `encode_values`), or half as many.

    Args:
        shape: Its shape; of four axes if `legacy`.
        legacy: Whether to write the shape as num/channels/height/width.
        half: Whether the values are float16 in NVIDIA's `raw_data`.
    """
    if legacy:
        extents = zip(_EXTENTS, shape, strict=True)
        sizes = (encode_varint(number << 3) + encode_varint(size) for number, size in extents)
        where = b"".join(sizes)
    else:
        dims = b"".join(encode_varint(size) for size in shape)
        dims = encode_head(1, len(dims)) + dims if dims else b""
        where = encode_head(_SHAPE, len(dims)) + dims
    if half:
        kind = encode_varint(_RAW_TYPE << 3) + encode_varint(_HALF)
        return where + kind + encode_head(_RAW_DATA, 2 * prod(shape)), b""
    values = encode_head(_DATA, 4 * prod(shape))
    return (where + values, b"") if legacy else (values, where)


def encode_values(array: Array) -> memoryview:
    """Return the values of an array as the bytes of a BlobProto's `data`, not copied."""
    return np.asarray(array, "<f4", order="C").reshape(-1).view(np.uint8).data


def encode_half(array: Array) -> memoryview:
    """Return the values of an array, rounded to float16, as the bytes of `raw_data`."""
    return np.asarray(array, "<f2", order="C").reshape(-1).view(np.uint8).data
