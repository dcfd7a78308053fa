"""What `netdef layers` tells, for people."""

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent, wrap

import click

from netdef.analysis.units import show_number, show_shape
from netdef.cli.layer_page import Message, Page
from netdef.contract import ROLES, Example, LayerType, Role, documentation
from netdef.ir import Param, Shape
from netdef.schema.describe import Field

_WIDTH = 100
"""Characters per line where nobody knows how many there are, and at most."""

_LEAST_WIDTH = 60
_GAP = "  "
_LONGEST_LABEL = 26
_NARROWEST = 36
"""Characters that a column of sentences has at least; it goes below the others for want of them."""

_HEAD = ("Field", "Type", "Default", "Meaning")


def list_text(by_role: dict[Role, list[LayerType]]) -> str:
    """Return the list of layer types: a heading per role, a line or two per type."""
    sections: list[str] = []
    for role, kinds in by_role.items():
        rows = [(", ".join(kind.names), documentation(kind).purpose) for kind in kinds]
        lines = _table(rows, _width() - 2, label=_LONGEST_LABEL)
        sections.append(f"{_bold(role)}: {ROLES[role]}\n\n" + indent("\n".join(lines), "  "))
    return "\n\n".join(sections) + "\n"


def page_text(page: Page) -> str:
    """Return the page of a layer type."""
    kind, docs = page.kind, page.docs
    names = f", also called {' and '.join(page.others)}" if page.others else ""
    parts = [
        f"{_bold(kind.name)} ({kind.role}){names}",
        docs.purpose,
        docs.description,
        *_section("Fields", *_messages(page.messages) or ["None of its own."]),
        *_section("Shapes", _arity(kind), "\n".join(_shapes(kind.examples))),
        *_section("Example", _weights(page.weights)),
        page.example.rstrip(),
        *_section("Forks", docs.forks or "No differences are known."),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _section(title: str, *parts: str) -> Iterator[str]:
    yield _bold(title)
    yield from (indent(part, "  ") for part in parts)


def _bold(text: str) -> str:
    """Mark a heading; what is not printed on a terminal loses the mark."""
    return click.style(text, bold=True)


def _width() -> int:
    if not sys.stdout.isatty():
        return _WIDTH
    return max(_LEAST_WIDTH, min(_WIDTH, shutil.get_terminal_size().columns))


def _messages(messages: Iterable[Message]) -> list[str]:
    parts: list[str] = []
    for message in messages:
        rows = [_HEAD, *(row for field in message.fields for row in _rows(field))]
        title = f"{message.name}{' (repeated)' if message.repeated else ''}: {message.doc}"
        parts += [title, indent("\n".join(_table(rows, _width() - 4)), "  ")]
    return parts


def _rows(field: Field) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, type, default and meaning, and a further row per value of an enum."""
    kind = f"repeated {field.type}" if field.repeated else field.type
    default = "required" if field.required else field.default or ""
    yield field.name, kind, default, field.doc
    for value, doc in field.values.items():
        yield f"  {value}", "", "default" if value == field.default else "", doc


def _arity(kind: LayerType) -> str:
    bottoms = f"bottoms: {_number(kind.bottoms)}"
    if kind.no_grad_bottoms:
        which = " and ".join("the last" if i < 0 else f"bottom[{i}]" for i in kind.no_grad_bottoms)
        bottoms += f"; no gradient goes to {which}"
    tops = f"tops: {_number(kind.tops)}"
    if kind.loss:
        tops += "; the first counts into the objective, with weight 1 if `loss_weight` is not given"
    if kind.dynamic:
        tops += "; their sizes depend on the data"
    return f"{bottoms}\n{tops}"


def _number(count: int | range) -> str:
    if isinstance(count, int):
        return str(count)
    return f"{count.start} or more" if count.stop > 1000 else f"{count.start} to {count.stop - 1}"


def _shapes(examples: Iterable[Example]) -> list[str]:
    """Return a line or more per example: its shapes, and the fields that make them so."""
    rows: list[tuple[str, str]] = []
    for example in examples:
        ins = _row_of([values.shape for values in example.inputs])
        notes = [example.text.strip()]
        if example.phase != "TEST":
            notes.append(f"phase: {example.phase}")
        if example.params:
            notes.append(f"(learned: {show_number(example.params)})")
        rows.append((f"{ins} -> {_row_of(example.outs)}", " ".join(filter(None, notes))))
    return _table(rows, _width() - 2, label=40)


def _row_of(shapes: Sequence[Shape]) -> str:
    return ", ".join(map(show_shape, shapes)) or "nothing"


def _weights(weights: Sequence[Param]) -> str:
    rows = [
        (w.weight, show_shape(w.shape), "" if w.learnable else "kept, but not learned")
        for w in weights
    ]
    if not rows:
        return ""
    return "Its blobs, in their order:\n" + indent("\n".join(_table(rows, _width() - 4)), "  ")


def _table(rows: Sequence[Sequence[str]], width: int, label: int = _WIDTH) -> list[str]:
    """Return rows as lines: columns side by side, the last one folded.

    Where too little is left for the last column, it stands below the others in every row.

    Args:
        rows: The cells, as many in every row.
        width: Characters per line.
        label: Most characters that the first column takes; a longer cell has a line of its own.
    """
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    widths[0] = min(widths[0], label)
    start = sum(widths) + len(_GAP) * len(widths)
    below = width - start < _NARROWEST
    if below:
        start = 4
    lines: list[str] = []
    for *cells, last in rows:
        if len(cells[0]) > widths[0]:
            lines.append(cells[0])
            cells[0] = ""
            if not any((*cells, last)):
                continue
        head = _GAP.join(map(str.ljust, cells, widths)) + _GAP
        folded = _folded(last, width - start)
        if not below:
            head += folded.pop(0) if folded else ""
        lines += [head.rstrip(), *(" " * start + line for line in folded)]
    return lines


def _folded(text: str, width: int) -> list[str]:
    """Return lines of at most `width` characters; a field and its value stay together."""
    together = text.replace(": ", ":\N{NO-BREAK SPACE}")
    lines = wrap(together, width, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
