"""Scalar values: from their written form to Python, as the field's type has it."""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from netdef.frontend.faults import shortened
from netdef.schema.lookup import enum_values
from netdef.source.suggest import did_you_mean


class ValueFault(Exception):
    """A value that does not fit its field: what is wrong, and what would mend it."""

    def __init__(self, message: str, note: str | None = None, rule: str = "wrong-type") -> None:
        super().__init__(message)
        self.message = message
        self.note = note
        self.rule = rule


Convert = Callable[[str], Any]

_INTEGER = re.compile(
    r"(-?)\s*+(?:#[^\n]*\n\s*+)*+(?:0[xX]([0-9a-fA-F]+)|0([0-7]+)|(0|[1-9][0-9]*))\Z"
)
_LONGEST_INTEGER = 1000
_FLOAT = re.compile(
    r"(-?)\s*+(?:#[^\n]*\n\s*+)*+((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)[fF]?\Z",
    re.IGNORECASE,
)
_STRING_PART = re.compile(
    r"""\s*+(?:#[^\n]*\n\s*+)*+(?:"((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)')"""
)
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)
_SIMPLE_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "?": "?",
}
_BOOLS = {
    "true": True,
    "True": True,
    "t": True,
    "1": True,
    "false": False,
    "False": False,
    "f": False,
    "0": False,
}


def _is_string(raw: str) -> bool:
    return raw[:1] in ('"', "'")


def _integer(low: int, high: int, kind: str, raw: str) -> int:
    m = _INTEGER.match(raw)
    if m is None:
        note = "write it without quotes" if _is_string(raw) else None
        if re.fullmatch(r"-?[0-9]+\.0*", raw):
            note = f"write `{raw.partition('.')[0]}`"
        raise ValueFault(f"`{shortened(raw)}` is not an integer", note)
    if len(raw) > _LONGEST_INTEGER:  # Python refuses to read thousands of digits
        raise ValueFault(f"a number of {len(raw):,} characters does not fit into {kind}")
    value = int(m[2], 16) if m[2] else int(m[3], 8) if m[3] else int(m[4])
    value = -value if m[1] else value
    if not low <= value <= high:
        note = "it cannot be negative" if low == 0 and value < 0 else f"the largest is {high}"
        raise ValueFault(f"{shortened(raw)} does not fit into {kind}", note)
    return value


def _float(raw: str) -> float:
    m = _FLOAT.match(raw)
    if m is not None:
        return float(m[1] + m[2])
    try:
        return float(_integer(-(2**64), 2**64, "a number", raw))
    except ValueFault:
        note = "write it without quotes" if _is_string(raw) else None
        raise ValueFault(f"`{shortened(raw)}` is not a number", note) from None


def _bool(raw: str) -> bool:
    if raw in _BOOLS:
        return _BOOLS[raw]
    note = "write it without quotes" if _is_string(raw) else "write `true` or `false`"
    raise ValueFault(f"`{shortened(raw)}` is neither true nor false", note)


def _enum(enum: EnumDescriptor, raw: str) -> int:
    known = enum_values(enum)
    if raw in known:
        return known[raw]
    if _is_string(raw):
        note = f"write {raw[1:-1]} without quotes" if raw[1:-1] in known else None
        raise ValueFault(f"a value of {enum.name} is written without quotes", note, "wrong-enum")
    m = _INTEGER.match(raw)
    if m is not None:
        number = _integer(-(2**31), 2**31 - 1, "an enum", raw)
        if number in enum.values_by_number:
            return number
    names = ", ".join(known)
    note = did_you_mean(raw, known)
    note = f"{note} ({names})" if note else f"it is one of {names}"
    raise ValueFault(f"`{shortened(raw)}` is not a value of {enum.name}", note, "wrong-enum")


def _unescape(m: re.Match[str]) -> bytes:
    octal, hexadecimal, short, long, simple = m.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if short or long:
        code = int(short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ValueFault(f"`{m[0]}` is not a character of Unicode", rule="bad-escape")
        return chr(code).encode()
    if simple not in _SIMPLE_ESCAPES:
        note = "a backslash itself is written \\\\"
        raise ValueFault(f"`{m[0]}` is not an escape sequence", note, "bad-escape")
    return _SIMPLE_ESCAPES[simple].encode()


def _bytes(raw: str) -> bytes:
    if not _is_string(raw):
        raise ValueFault(f"`{shortened(raw)}` is not a string", f'write "{shortened(raw)}"')
    parts: list[bytes] = []
    at = 0
    while (m := _STRING_PART.match(raw, at)) is not None:
        text = m[1] if m[1] is not None else m[2]
        start = 0
        for escape in _ESCAPE.finditer(text):
            parts += [text[start : escape.start()].encode(), _unescape(escape)]
            start = escape.end()
        parts.append(text[start:].encode())
        at = m.end()
    return b"".join(parts)


def _string(raw: str) -> str:
    inside = raw[1:-1]
    if "\\" not in inside and raw[:1] not in inside and inside.isascii() and _is_string(raw):
        return inside
    try:
        return _bytes(raw).decode()
    except UnicodeError:
        raise ValueFault(
            "the escapes in this string do not make UTF-8", rule="bad-escape"
        ) from None


_integers: dict[int, Convert] = {
    FieldDescriptor.TYPE_INT32: partial(_integer, -(2**31), 2**31 - 1, "32 bits"),
    FieldDescriptor.TYPE_INT64: partial(_integer, -(2**63), 2**63 - 1, "64 bits"),
    FieldDescriptor.TYPE_UINT32: partial(_integer, 0, 2**32 - 1, "32 bits without a sign"),
    FieldDescriptor.TYPE_UINT64: partial(_integer, 0, 2**64 - 1, "64 bits without a sign"),
}
_integers |= {
    FieldDescriptor.TYPE_SINT32: _integers[FieldDescriptor.TYPE_INT32],
    FieldDescriptor.TYPE_SFIXED32: _integers[FieldDescriptor.TYPE_INT32],
    FieldDescriptor.TYPE_SINT64: _integers[FieldDescriptor.TYPE_INT64],
    FieldDescriptor.TYPE_SFIXED64: _integers[FieldDescriptor.TYPE_INT64],
    FieldDescriptor.TYPE_FIXED32: _integers[FieldDescriptor.TYPE_UINT32],
    FieldDescriptor.TYPE_FIXED64: _integers[FieldDescriptor.TYPE_UINT64],
}
_OTHERS: dict[int, Convert] = {
    FieldDescriptor.TYPE_FLOAT: _float,
    FieldDescriptor.TYPE_DOUBLE: _float,
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_STRING: _string,
    FieldDescriptor.TYPE_BYTES: _bytes,
}


@cache
def converter(field: FieldDescriptor) -> Convert:
    """Return the function that reads a written value for `field`.

    It raises ValueFault for a value that does not fit.
    """
    if field.enum_type is not None:
        return partial(_enum, field.enum_type)
    return _integers.get(field.type) or _OTHERS[field.type]
