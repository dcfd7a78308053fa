"""A stretch of a source file."""

from typing import NamedTuple

from netdef.source.file import SourceFile


class Span(NamedTuple):
    """Characters `start` up to, not including, `end` of `file`."""

    file: SourceFile
    start: int
    end: int

    @property
    def path(self) -> str:
        """The path of the file, as the user wrote it."""
        return self.file.path

    @property
    def line(self) -> int:
        """The line of the first character, from 1."""
        return self.file.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column of the first character, from 1."""
        return self.file.position(self.start)[1]

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.file.text[self.start : self.end]

    def __str__(self) -> str:
        """Return `path:line:column`."""
        line, column = self.file.position(self.start)
        return f"{self.path}:{line}:{column}"
