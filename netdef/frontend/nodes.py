"""The syntax tree of a prototxt: what was written and where.

A node holds the file and offsets of everything needed to point at it. Comments and spacing are not
nodes: they are the text between the offsets, there for whoever wants them.
"""

import gc
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager

from netdef.source import SourceFile, Span


class _Field:
    """What all nodes can tell of their place."""

    __slots__ = ()
    file: SourceFile
    name: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """The whole field."""
        return Span(self.file, self.start, self.end)

    @property
    def name_span(self) -> Span:
        """The name alone."""
        return Span(self.file, self.start, self.start + len(self.name))


class Scalar(_Field):
    """`name: value`. The value is kept as it was written; binding gives it a meaning."""

    __slots__ = ("_gap", "file", "name", "raw", "start")

    def __init__(self, file: SourceFile, name: str, start: int, raw: str, value_start: int) -> None:
        self.file = file
        self.name = name
        self.start = start
        self.raw = raw
        self._gap = value_start - start  # small, so Python has it already: a quarter of a node

    @property
    def value_start(self) -> int:
        """Offset of the value."""
        return self.start + self._gap

    @property
    def end(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Offset of the first character after the value."""
        return self.start + self._gap + len(self.raw)

    @property
    def name_span(self) -> Span:
        """The name alone; an element of a list has none, so its value."""
        return self.value_span if self.start == self.value_start else super().name_span

    @property
    def value_span(self) -> Span:
        """The value alone."""
        return Span(self.file, self.value_start, self.end)


class Block(_Field):
    """`name { fields }`, or with angle brackets.

    `start` is the offset of the name, `opening` of the bracket, `end` the first after the block.
    """

    __slots__ = ("end", "fields", "file", "name", "opening", "start")

    def __init__(
        self,
        file: SourceFile,
        name: str,
        start: int,
        opening: int,
        fields: "list[Node]",
        end: int,
    ) -> None:
        self.file = file
        self.name = name
        self.start = start
        self.opening = opening
        self.fields = fields
        self.end = end

    @property
    def name_span(self) -> Span:
        """The name alone; an element of a list has none, so its bracket."""
        if self.start == self.opening:
            return Span(self.file, self.start, self.start + 1)
        return super().name_span

    def all(self, name: str) -> "Iterator[Scalar | Block]":
        """Yield every occurrence of a field in this block, elements of lists one by one."""
        return occurrences(self.fields, name)

    def first(self, name: str) -> "Scalar | Block | None":
        """Return the first occurrence of a field in this block."""
        return next(self.all(name), None)


class ListField(_Field):
    """`name: [a, b]`: the same as the field repeated, once per item."""

    __slots__ = ("end", "file", "items", "name", "opening", "start")

    def __init__(
        self,
        file: SourceFile,
        name: str,
        start: int,
        opening: int,
        items: "list[Scalar | Block]",
        end: int,
    ) -> None:
        self.file = file
        self.name = name
        self.start = start
        self.opening = opening
        self.items = items
        self.end = end


Node = Scalar | Block | ListField


class Document(Block):
    """A whole file: a block without a name."""

    __slots__ = ()

    def __init__(self, file: SourceFile, fields: list[Node]) -> None:
        super().__init__(file, "", 0, 0, fields, len(file.text))


def occurrences(fields: Iterable[Node], name: str) -> Iterator[Scalar | Block]:
    """Yield every occurrence of the field `name`, elements of lists one by one."""
    for node in fields:
        if node.name == name:
            if isinstance(node, ListField):
                yield from node.items
            else:
                yield node


@contextmanager
def growing() -> Generator[None]:
    """Keep the garbage collector from walking a tree over and over while it grows.

    A tree has no cycles; with the collector, time is not linear in its size.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
