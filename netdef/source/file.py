"""A text file that diagnostics can point into."""

import re
from array import array
from bisect import bisect_right
from functools import cached_property
from pathlib import Path


class SourceFile:
    """The text of one file with its path, and offsets made into lines only when asked.

    Attributes:
        path: The path as the user wrote it; diagnostics print it unchanged.
        text: The whole text.
    """

    def __init__(self, path: str, text: str) -> None:
        """Hold `text` under the name `path`."""
        self.path = path
        self.text = text

    @classmethod
    def read(cls, path: str | Path) -> "SourceFile":
        """Read a file from disk.

        UTF-8 is tried first; files from the time before it was universal are Latin-1, which
        accepts every byte, so that a stray byte in a comment never keeps a network from loading.

        Raises:
            OSError: The file cannot be read.
        """
        return cls.decode(str(path), Path(path).read_bytes())

    @classmethod
    def decode(cls, path: str, raw: bytes) -> "SourceFile":
        """Make the bytes of a file into text, as `read` does."""
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        return cls(path, text)

    @cached_property
    def _line_starts(self) -> "array[int]":
        starts = array("L", [0])  # a list would take nine times the memory of an empty line
        starts.extend(m.end() for m in re.finditer("\n", self.text))
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset, both counted from 1, in characters."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of line `number` (from 1), without its line end."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")
