"""Published files parse without a fault of syntax."""

from pathlib import Path

import pytest

from netdef.frontend.nodes import Block, Node, Scalar
from netdef.frontend.parse import parse, parse_finely
from netdef.source import SourceFile

CORPUS = Path(__file__).parents[3] / "shared" / "conformance" / "corpus"
FILES = sorted(CORPUS.rglob("*.prototxt"))


@pytest.mark.skipif(not FILES, reason="the published files are not ours to carry along")
def test_every_file_parses() -> None:
    """All of them, in one test: they are many and quick."""
    faults = {str(path): parse(SourceFile.read(path))[1] for path in FILES}
    assert {path: found for path, found in faults.items() if found} == {}
    assert len(FILES) == 205


@pytest.mark.skipif(not FILES, reason="the published files are not ours to carry along")
def test_both_grains_give_equal_trees() -> None:
    """The fast lexer and the careful one agree on every place, so also on every comment's."""
    differ = [
        str(path)
        for path in FILES
        if flat(parse(SourceFile.read(path))[0]) != flat(parse_finely(SourceFile.read(path))[0])
    ]
    assert differ == []


def flat(root: Node) -> list[tuple[object, ...]]:
    """Return the nodes of a tree in a row, each with its name and places."""
    rows: list[tuple[object, ...]] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar):
            rows.append((node.name, node.start, node.value_start, node.raw))
            continue
        inner: list[Node] = list(node.fields if isinstance(node, Block) else node.items)
        rows.append((type(node), node.name, node.start, node.opening, node.end, len(inner)))
        waiting += inner
    return rows
