"""What a file of Python defines, piece by piece, as text."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A class, a function or a constant of a file.

    Attributes:
        name: What it is called.
        text: Its source, decorators and the text that explains a constant included.
        uses: The names that it reads.
    """

    name: str
    text: str
    uses: frozenset[str]


@dataclass(frozen=True)
class Imported:
    """A name that a file imports.

    Attributes:
        module: Where it is from.
        name: What it is called there; "" for the module itself.
    """

    module: str
    name: str = ""


def pieces(source: str, without: frozenset[str]) -> dict[str, Piece]:
    """Return the definitions of a file by name, in order.

    Args:
        source: The file's text.
        without: Methods to leave out of classes.
    """
    tree = ast.parse(source)
    lines = source.splitlines()
    found: dict[str, Piece] = {}
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        names = list(_defined(node))
        if not names:
            continue
        last = after if after is not None and _is_text(after) else node
        methods = [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef)]
        dropped = [n for n in methods if n.name in without]
        gone = {line for n in dropped for line in range(n.lineno - 1, n.end_lineno or 0)}
        kept = range(_first_line(node), last.end_lineno or 0)
        text = _tidied(lines[line] for line in kept if line not in gone)
        uses = frozenset(_names_in(ast.parse(text)))
        for name in names:
            found[name] = Piece(name, text, uses)
    return found


def imports(source: str) -> dict[str, Imported]:
    """Return what a file imports, by the name it has there."""
    found: dict[str, Imported] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: Imported(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found |= {a.asname or a.name: Imported(module, a.name) for a in node.names}
    return found


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef():
            yield node.name
        case ast.Assign():
            for target in node.targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
        case ast.AnnAssign(target=ast.Name() as target):
            yield target.id


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)]) - 1


def _names_in(tree: ast.AST) -> Iterator[str]:
    """Yield the names that are read, also those in annotations that are text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id


def _tidied(lines: Iterable[str]) -> str:
    """Join lines; where a method is gone, no more than one line is left empty."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1].strip()):
            kept.append(
                line.replace("  # noqa: S101", "  #").replace("  # - ", "  # ").rstrip(" #")
            )
    return "\n".join(kept).strip("\n")
