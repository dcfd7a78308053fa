"""The rooms that work with every layer type name none.

What a type needs there is in its file, so a list of names elsewhere is a type that is forgotten
next time. Comments and docstrings may name types; strings and identifiers may not.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from netdef import catalog

PACKAGE = Path(__file__).parents[2] / "netdef"
ROOMS = (
    *("torch_backend", "torch_source", "onnx_backend"),
    *("analysis", "drawing", "weights", "training"),
)
FILES = [path for room in ROOMS for path in sorted((PACKAGE / room).glob("*.py"))]
NAMES = frozenset(catalog.names())


def strings(node: ast.AST) -> Iterator[str]:
    """Identifiers and texts that a node itself holds."""
    for _, value in ast.iter_fields(node):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                yield one


def others_names(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes whose names are torch's or ONNX's: `nn.Parameter`, `g.op("Reshape", ...)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="nn")):
                yield node
            case ast.Call(func=ast.Attribute(attr="op"), args=[first, *_]):
                yield first
            case ast.Compare(left=ast.Attribute(attr="op_type"), comparators=compared):
                yield from compared
            case _:
                pass


def named(source: str) -> list[str]:
    """The layer types that a program names, each with its line."""
    tree = ast.parse(source)
    exempt = set(others_names(tree))
    found = []
    for node in ast.walk(tree):
        if node in exempt:
            continue
        for text in strings(node):
            words = text.replace(",", " ").split()
            imports = isinstance(node, ast.ImportFrom | ast.alias)
            is_file_of_one = imports and text.startswith("netdef.layers.")
            if is_file_of_one or (words and NAMES.issuperset(words)):
                found.append(f"{getattr(node, 'lineno', '?')}: {text}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_type_is_named(path: Path) -> None:
    assert named(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        'if layer.type == "Pooling": pass',
        "if layer.type in ('Convolution', other): pass",
        'KINDS = "Convolution InnerProduct".split()',
        "table = {'BatchNorm': 1}",
        "match kind:\n    case 'LRN': pass",
        "x = Softmax",
        "x = layers.Softmax",
        "from netdef.layers.pooling import Pooling",
        "import netdef.layers.pooling",
        "class Pooling: pass",
    ],
)
def test_names_are_found(source: str) -> None:
    """The search is not blind."""
    assert named(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""Pooling is explained here."""',
        "# Pooling\nx = nn.Parameter(y)",
        'g.op("Reshape", x)',
        'node.op_type == "Dropout"',
    ],
)
def test_other_names_are_not(source: str) -> None:
    """Sentences, torch's names, ONNX's names."""
    assert named(source) == []
