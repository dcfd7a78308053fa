"""The lines of an image list, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netdef.data.faults import DataFault
from netdef.source import Diagnostic, NetdefError, SourceFile, Span, error
from netdef.source.locate import locate, looked_in, shown

_LINE = re.compile(r"[^\r\n]*\S")
_PARTS = re.compile(r"(.*\S)\s+(\S+)", re.DOTALL)
_WHOLE = re.compile(r"[+-]?[0-9]{1,10}")
_MOST_FAULTS = 20
"""A text with more is not a list with faults but something else."""

_LARGEST = 2**30
"""Bytes of an image; a record of Caffe's holds less than 2 GiB, and no photograph comes near."""


@dataclass(frozen=True, slots=True)
class ImageLine:
    """One image of a list.

    Attributes:
        name: The path as it is written.
        label: The label, as the 32 bits of a Datum hold it.
        span: Where the path is written.
    """

    name: str
    label: int
    span: Span


def read_lines(listing: Path) -> list[ImageLine]:
    """Return the images that a list names: a path, a space and a label in every line.

    A path may hold spaces. Empty lines are passed over.

    Raises:
        NetdefError: The list cannot be read (rule `missing-file`), names nothing, or holds lines
            of another form (`bad-list`), which are listed.
    """
    try:
        file = SourceFile.read(shown(listing))
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise NetdefError(
            error("missing-file", f"cannot read {shown(listing)}: {reason}")
        ) from None
    if "\0" in file.text:
        raise NetdefError(error("not-text", f"{shown(listing)} is no list but a binary file"))
    lines: list[ImageLine] = []
    faults: list[Diagnostic] = []
    for found in _parsed(file):
        if isinstance(found, ImageLine):
            lines.append(found)
        else:
            faults.append(found)
            if len(faults) == _MOST_FAULTS:
                break
    if faults:
        raise NetdefError(faults)
    if not lines:
        raise NetdefError(error("bad-list", f"{shown(listing)} lists no images"))
    return lines


def image_bytes(line: ImageLine, root: str, listing: Path) -> bytes:
    """Return the content of a listed image.

    Args:
        line: Its line.
        root: What stands before every path: a folder, or the beginning of every name as it is.
        listing: The list; relative names are looked for as `netdef.source.locate` does.

    Raises:
        DataFault: It is not there or cannot be read; the name is left to the caller.
    """
    return content_of(image_path(line.name, root, listing))


def image_path(name: str, root: str, listing: Path) -> Path:
    """Return where a listed image lies; the arguments are those of `image_bytes`.

    Raises:
        DataFault: It is not there; the name is left to the caller.
    """
    folder = Path(root).is_dir() and not root.endswith("/") and not name.startswith("/")
    name = f"{root}/{name}" if root and folder else root + name
    path = locate(name, listing)
    if path is None:
        raise DataFault("is not there", "missing-source", note=looked_in(name, listing))
    return path


def content_of(path: Path) -> bytes:
    """Return the content of an image file.

    Raises:
        DataFault: It cannot be read; the name is left to the caller.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as fault:
        raise DataFault(f"cannot be read: {fault.strerror}") from None
    if len(data) > _LARGEST:
        raise DataFault(f"is larger than {_LARGEST:,} bytes")
    return data


def _parsed(file: SourceFile) -> Iterator[ImageLine | Diagnostic]:
    for match in _LINE.finditer(file.text):
        text = match.group()
        start = match.start() + len(text) - len(text.lstrip())
        whole = Span(file, start, match.end())
        parts = _PARTS.fullmatch(whole.text)
        note = "a line is a path, a space and a label, such as `cat/1.jpg 0`"
        if parts is None:
            yield error("bad-list", "a line has no label", whole, note=note)
            continue
        place = Span(file, start, start + parts.end(1))
        label = int(parts[2]) if _WHOLE.fullmatch(parts[2]) else None
        if label is None or not -(2**31) <= label < 2**31:
            text = f"the label `{parts[2]}` is no whole number of 32 bits"
            place = Span(file, start + parts.start(2), match.end())
            yield error("bad-list", text, place, note=note)
        else:
            yield ImageLine(parts[1], label, place)
