"""Files of a published data set: in a folder, or in the archive as it was published.

An archive is never unpacked: nothing is written, and no name that it holds is used as a path. Its
members are streams, and whatever their headers claim, no more is read at a time than was asked for.
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from netdef.source import NetdefError, error
from netdef.source.locate import shown

_GZIP = b"\x1f\x8b"
_LARGEST_READ = 16 * 2**20
"""Bytes; the records that data sets are read in are smaller, and so is every header of a tar."""
_LARGEST_MEMBER = 2**28
"""Bytes; a member that claims more belongs to no archive that is read here."""
_MOST_MEMBERS = 20


class Part:
    """One file of a data set, read from its start.

    Attributes:
        name: As messages show it.
        size: Bytes.
    """

    def __init__(self, name: str, size: int, stream: BinaryIO) -> None:
        """Wrap an open file of a known size."""
        self.name = name
        self.size = size
        self._stream = stream

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            NetdefError: They are not there, or the archive is damaged.
        """
        with _reading(self.name):
            data = self._stream.read(count)
        if len(data) != count:
            raise bad_archive(f"{self.name} ends too early")
        return data


@contextmanager
def open_folder(folder: Path, names: Sequence[str]) -> Iterator[list[Part]]:
    """Open files in a folder.

    Raises:
        NetdefError: One is not there or cannot be read.
    """
    with ExitStack() as stack:
        parts: list[Part] = []
        for path in (folder / name for name in names):
            with _reading(shown(path)):
                stream = stack.enter_context(path.open("rb"))
            parts.append(Part(shown(path), path.stat().st_size, stream))
        yield parts


@contextmanager
def open_archive(path: Path, names: Sequence[str]) -> Iterator[list[Part]]:
    """Open members of a tar archive, compressed by gzip or not, by the last part of their names.

    Raises:
        NetdefError: The archive is damaged, or lacks one of the files.
    """
    with ExitStack() as stack:
        with _reading(shown(path)):
            packed = stack.enter_context(path.open("rb"))
            compressed = packed.read(len(_GZIP)) == _GZIP
            packed.seek(0)
            plain = packed
            if compressed:
                plain = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=packed)))
            opened = stack.enter_context(
                tarfile.open(fileobj=cast("Any", _Sparing(plain)), mode="r:")
            )
            members = _members(path, opened)
            _drain(path, plain)
        missing = [name for name in names if name not in members]
        if missing:
            has = ", ".join(sorted(members)) or "no files"
            raise bad_archive(f"{shown(path)} has no {missing[0]}; it has {has}")
        yield [_part(path, opened, members[name]) for name in names]


def bad_archive(text: str, note: str | None = None) -> NetdefError:
    """Return the error that a file of a published data set is damaged."""
    return NetdefError(error("bad-archive", text, note=note))


def _members(path: Path, opened: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """Return the regular files of an archive by the last part of their names."""
    members: dict[str, tarfile.TarInfo] = {}
    for number, member in enumerate(opened):
        if number == _MOST_MEMBERS or member.size > _LARGEST_MEMBER:
            note = "is it the archive that was published?"
            raise bad_archive(f"{shown(path)} holds more than such an archive does", note)
        if member.isfile():
            members.setdefault(member.name.rpartition("/")[2], member)
    return members


def _drain(path: Path, plain: BinaryIO) -> None:
    """Read what follows the last member: gzip's checksum is at the very end, unseen by tar."""
    if len(plain.read(_LARGEST_READ)) == _LARGEST_READ:
        raise bad_archive(f"{shown(path)} goes on long after its last file")


def _part(path: Path, opened: tarfile.TarFile, member: tarfile.TarInfo) -> Part:
    stream = opened.extractfile(member)  # opens; a regular file always gives a stream
    name = f"{member.name.rpartition('/')[2]} in {shown(path)}"
    return Part(name, member.size, cast("BinaryIO", stream))


class _Sparing:
    """A stream that refuses to read much at a time, as a forged header of a tar would have it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= _LARGEST_READ:
            raise tarfile.ReadError("a header claims an absurd size")
        return self._stream.read(count)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, tarfile.TarError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else fault
        raise bad_archive(f"cannot read {name}: {reason}") from None
