"""Making new nodes out of old ones, so that each still knows where it comes from."""

from collections.abc import Iterable, Iterator

from netdef.frontend.faults import Faults
from netdef.frontend.nodes import Block, Document, ListField, Node, Scalar
from netdef.source import SourceFile, Span


class Log:
    """What upgrading found and did.

    Attributes:
        faults: The diagnostics.
        steps: What was upgraded, in words, each once; a dict for its order.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.steps: dict[str, None] = {}

    def did(self, step: str) -> None:
        """Note that a form was upgraded."""
        self.steps[step] = None


class UpgradedDocument(Document):
    """A document that was of an older form.

    `upgrades` says in words what was upgraded.
    """

    __slots__ = ("upgrades",)

    def __init__(self, file: SourceFile, fields: list[Node], upgrades: Iterable[str]) -> None:
        super().__init__(file, fields)
        self.upgrades = tuple(upgrades)


class _MovedScalar(Scalar):
    """A scalar that stands for other text: its places are those of that text."""

    __slots__ = ("place",)

    def __init__(self, name: str, raw: str, place: Node) -> None:
        value_start = place.value_start if isinstance(place, Scalar) else place.start
        super().__init__(place.file, name, place.start, raw, value_start)
        self.place = place

    @property
    def end(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.place.end if isinstance(self.place, Scalar) else self.place.name_span.end

    @property
    def name_span(self) -> Span:
        return self.place.name_span


class _MovedBlock(Block):
    """A block that stands for other text."""

    __slots__ = ("place",)

    def __init__(self, name: str, fields: list[Node], place: Node) -> None:
        opening = place.start if isinstance(place, Scalar) else place.opening
        super().__init__(place.file, name, place.start, opening, fields, place.end)
        self.place = place

    @property
    def name_span(self) -> Span:
        return self.place.name_span


def scalar(name: str, raw: str, place: Node) -> Scalar:
    """Return `name: raw`, shown at `place`."""
    return _MovedScalar(name, raw, place)


def block(name: str, fields: Iterable[Node], place: Node) -> Block:
    """Return `name { fields }`, shown at `place`."""
    return _MovedBlock(name, list(fields), place)


def renamed(node: Node, name: str) -> Node:
    """Return a field under another name."""
    if isinstance(node, Scalar):
        return scalar(name, node.raw, node)
    if isinstance(node, Block):
        return block(name, node.fields, node)
    items = [scalar(name, i.raw, i) if isinstance(i, Scalar) else block(name, i.fields, i)
             for i in node.items]  # fmt: skip
    return ListField(node.file, name, node.start, node.opening, items, node.end)


def items_of(node: Node) -> list[Scalar | Block]:
    """Return what a field gives: the elements of a list, else itself."""
    return node.items if isinstance(node, ListField) else [node]


def flat(fields: Iterable[Node]) -> Iterator[Scalar | Block]:
    """Yield fields, and in place of lists their elements."""
    for node in fields:
        yield from items_of(node)


def text_of(node: Node | None) -> str:
    """Return the value of a string or word without quotes; empty if there is none."""
    return node.raw.strip("\"'") if isinstance(node, Scalar) else ""


def value_span(node: Node) -> Span:
    """Return the place of a field's value; of a block, that of its name."""
    return node.value_span if isinstance(node, Scalar) else node.name_span
