"""Operations on a text: spans replaced, layers taken out with the comments that are theirs."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from netdef.frontend.format import format_document
from netdef.frontend.nodes import Block, Node, Scalar
from netdef.frontend.parse import parse
from netdef.passes.deploy_text import masked
from netdef.passes.pipeline import Bound
from netdef.source import Diagnostic, NetdefError, SourceFile, error
from netdef.source.suggest import did_you_mean


class Edit(NamedTuple):
    """A span of a text and what takes its place.

    Attributes:
        start: Offset of its first character.
        end: Offset behind its last character; `start` for something that is put in.
        text: What takes its place.
    """

    start: int
    end: int
    text: str


def edited(file: SourceFile, edits: Iterable[Edit], removed: Iterable[Node] = ()) -> SourceFile:
    """Return a text with spans replaced and nodes taken out, in canonical layout.

    Comments inside, right above and behind what is taken out go with it.

    Args:
        file: The text.
        edits: Spans of it that do not overlap.
        removed: Nodes of it, outside these spans.
    """
    removed = list(removed)
    text = masked(file.text, removed)
    cuts = [*edits, *(Edit(node.start, node.end, "") for node in removed)]
    for start, end, new in sorted(cuts, reverse=True):
        text = text[:start] + new + text[end:]
    document, faults = parse(SourceFile(file.path, text))
    if faults:
        raise NetdefError(faults)
    return SourceFile(file.path, format_document(document))


def layers_of(bound: Bound) -> Iterator[tuple[Block, Any]]:
    """Yield the block and the LayerParameter of every layer of every phase, in order."""
    nodes = (node for node in bound.document.all("layer") if isinstance(node, Block))
    return zip(nodes, bound.message.layer, strict=True)


def blob_names(bound: Bound) -> set[str]:
    """Return the names of all blobs, of every phase."""
    return {name for _, m in layers_of(bound) for name in (*m.bottom, *m.top)}


def layer_names(bound: Bound) -> set[str]:
    """Return the names of all layers, of every phase."""
    return {m.name for _, m in layers_of(bound)}


def renaming(node: Block, message: Any, field: str, old: str, new: str) -> Iterator[Edit]:
    """Yield what gives a layer's `name`, `bottom` or `top` another value wherever it is `old`."""
    found = getattr(message, field)
    values = [found] if isinstance(found, str) else found
    for scalar, value in zip(node.all(field), values, strict=False):
        if value == old and isinstance(scalar, Scalar):
            yield Edit(scalar.value_start, scalar.end, quoted(new))


def quoted(name: str) -> str:
    """Return a name as a string of a prototxt."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def unknown(rule: str, what: str, name: str, known: Iterable[str]) -> Diagnostic:
    """Return the fault that a net has nothing of a name, with the near ones."""
    note = did_you_mean(name, known)
    return error(rule, f"this net has no {what} `{name}`", note=note)
