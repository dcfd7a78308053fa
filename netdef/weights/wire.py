"""The protobuf wire format, walked over a mapped file without parsing what is not asked for.

https://protobuf.dev/programming-guides/encoding/
"""

import mmap
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netdef.weights.faults import check_regular, not_readable

VARINT, FIXED64, LEN, START_GROUP, END_GROUP, FIXED32 = range(6)

Field = tuple[int, int, int, int, int]
"""Number, wire type, offset of the tag, start, end.

LEN: the payload is from start up to end. VARINT: start is the value. FIXED32 and FIXED64: a run of
one or more equal tags with a payload each; start is the offset of the first payload.
"""

Buffer = mmap.mmap | bytes

_WIDTH = {FIXED64: 8, FIXED32: 4}
_MOST_BITS = 64
_LAST_NUMBER = 2**29 - 1
_DEEPEST_GROUP = 100  # protobuf's own limit
_FIRST_STEP, _LAST_STEP = 64, 65536


class Malformed(Exception):
    """Bytes that are not what they have to be.

    Attributes:
        message: What is wrong.
        offset: Where in the file, in bytes.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Overrun(Malformed):
    """A field that is longer than what is left; `number` is its number, `start` its payload."""

    def __init__(self, message: str, offset: int, number: int, start: int) -> None:
        super().__init__(message, offset)
        self.number = number
        self.start = start


class WireFile:
    """A file to walk: mapped for its structure, read for its bulk.

    Bulk data is read instead of copied from the mapping: that is as fast, and the pages of the
    mapping never count as this process's memory.

    Attributes:
        data: The mapped bytes.
        size: Length of the file in bytes.
    """

    def __init__(self, path: str) -> None:
        """Open a file.

        Raises:
            NetdefError: It is missing, unreadable, not a regular file, or empty.
        """
        check_regular(path)
        try:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - __exit__ closes it
        except OSError as fault:
            raise not_readable(path, fault) from fault
        self.size = os.fstat(self._file.fileno()).st_size
        self.data = mmap.mmap(self._file.fileno(), self.size, access=mmap.ACCESS_READ)

    def __enter__(self) -> "WireFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.data.close()
        self._file.close()

    def read_into(self, target: NDArray[Any], offset: int) -> None:
        """Fill a contiguous array with the bytes from `offset` on.

        Raises:
            Malformed: The file has become shorter since it was opened.
        """
        self._file.seek(offset)
        done = self._file.readinto(target.data)
        while done < target.nbytes:  # a read may stop short
            count = self._file.readinto(target.reshape(-1).view(np.uint8)[done:].data)
            if not count:
                raise Malformed("the file became shorter while it was read", offset + done)
            done += count


def varint(data: Buffer, pos: int, end: int) -> tuple[int, int]:
    """Return the unsigned number at `pos` and the offset after it.

    Raises:
        Malformed: It does not end before `end`, or is longer than ten bytes.
    """
    if pos < end and data[pos] < 0x80:
        return data[pos], pos + 1
    at, value, shift = pos, 0, 0
    while pos < end:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, pos
        shift += 7
        if shift >= _MOST_BITS + 6:
            raise Malformed("a number has more than ten bytes", at)
    raise Overrun("a number is cut short", at, 0, pos)


def signed(value: int, bits: int) -> int:
    """Return the low `bits` of an unsigned number as a signed one (int32, int64)."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def encode_varint(value: int) -> bytes:
    """Return an unsigned number as it is written on the wire."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_head(number: int, length: int) -> bytes:
    """Return tag and length of a LEN field, which its payload follows."""
    return encode_varint(number << 3 | LEN) + encode_varint(length)


def fields(data: Buffer, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message from `start` up to `end`, in the order of the file.

    Groups are skipped.

    Raises:
        Malformed: The bytes are not a message.
    """
    pos = start
    while pos < end:
        at = pos
        tag = data[pos]
        if 0x08 <= tag < 0x80:  # as in `_tag`, whose call this saves for nearly every field
            number, kind, pos = tag >> 3, tag & 7, pos + 1
        else:
            number, kind, pos = _tag(data, pos, end)
        if kind == LEN:
            size, pos = varint(data, pos, end)
            stop = pos + size
            if stop > end:
                raise _too_long(number, size, end - pos, at, pos)
            yield number, kind, at, pos, stop
            pos = stop
        elif kind == VARINT:
            value, pos = varint(data, pos, end)
            yield number, kind, at, value, pos
        elif kind in _WIDTH:
            stop = _run_end(data, at, pos, pos + _WIDTH[kind], end, number)
            yield number, kind, at, pos, stop
            pos = stop
        elif kind == START_GROUP:
            pos = _group_end(data, pos, end, number, at)
        else:
            raise Malformed(f"the byte 0x{data[at]:02x} cannot begin a field", at)


def _tag(data: Buffer, pos: int, end: int) -> tuple[int, int, int]:
    at = pos
    tag, pos = varint(data, pos, end)
    number = tag >> 3
    if not 1 <= number <= _LAST_NUMBER:
        raise Malformed(f"{number} is no field number", at)
    return number, tag & 7, pos


def _too_long(number: int, size: int, left: int, at: int, start: int) -> Overrun:
    text = f"field {number} says it has {size:,} bytes, but only {left:,} follow"
    return Overrun(text, at, number, start)


def _run_end(data: Buffer, at: int, start: int, stop: int, end: int, number: int) -> int:
    """Return the end of the run of fields with the tag at `at`, the first of which ends at `stop`.

    Old files repeat the tag before every float, so this has to be fast.
    """
    if stop > end:
        raise _too_long(number, stop - start, end - start, at, start)
    lead, stride, step = start - at, stop - at, _FIRST_STEP
    tag = data[at:start]
    while data[stop : stop + lead] == tag and stop + stride <= end:
        # The step grows, so that many short runs do not each look far ahead.
        count = min((end - stop) // stride, step)
        rows = np.frombuffer(data[stop : stop + count * stride], np.uint8).reshape(count, stride)
        same = (rows[:, :lead] == np.frombuffer(tag, np.uint8)).all(axis=1)
        stop += stride * (count if same.all() else int(same.argmin()))
        step = min(2 * step, _LAST_STEP)
    return stop


def _group_end(data: Buffer, pos: int, end: int, number: int, at: int) -> int:
    nested = [number]
    while nested:
        if pos >= end:
            raise Malformed(f"group {nested[-1]} does not end", at)
        inner = pos
        number, kind, pos = _tag(data, pos, end)
        if kind == START_GROUP:
            if len(nested) == _DEEPEST_GROUP:
                raise Malformed("groups are nested too deep", inner)
            nested.append(number)
        elif kind == END_GROUP:
            if nested.pop() != number:
                raise Malformed(f"group {number} ends, but was not open", inner)
        else:
            pos = _scalar_end(data, pos, end, number, kind, inner)
    return pos


def _scalar_end(data: Buffer, pos: int, end: int, number: int, kind: int, at: int) -> int:
    if kind == VARINT:
        return varint(data, pos, end)[1]
    if kind == LEN:
        size, pos = varint(data, pos, end)
    elif kind in _WIDTH:
        size = _WIDTH[kind]
    else:
        raise Malformed(f"the byte 0x{data[at]:02x} cannot begin a field", at)
    if pos + size > end:
        raise _too_long(number, size, end - pos, at, pos)
    return pos + size
