"""Diagnostics for people: place, source line, caret, related places, suggestion."""

from collections.abc import Callable, Iterable

from netdef.source.diagnostic import Diagnostic
from netdef.source.span import Span

Paint = Callable[[str, str], str]
"""Takes a text and a style (`error`, `warning`, `hint`, `place`, `gutter`, `note`)."""


def _plain(text: str, style: str) -> str:
    del style
    return text


_WIDTH = 100
"""Longest excerpt of a source line, in characters."""


def _window(length: int, start: int, end: int) -> tuple[int, int]:
    """Return the part of a line of `length` to show around the characters `start` to `end`."""
    if length <= _WIDTH:
        return 0, length
    middle = (start + min(end, start + _WIDTH // 2)) // 2
    low = max(0, min(middle - _WIDTH // 2, length - _WIDTH))
    return low, low + _WIDTH


def _cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


def _excerpt(span: Span, style: str, width: int, paint: Paint) -> list[str]:
    """Return the source line with a caret line below it."""
    line_number = span.line
    line = span.file.line(line_number)
    start = min(span.column - 1, len(line))
    end = max(start + 1, min(start + span.end - span.start, len(line)))
    low, high = _window(len(line), start, end)
    left, right = "..." if low else "", "..." if high < len(line) else ""
    # Tabs stand in the caret line too, so that the caret is under its character in any terminal.
    indent = " " * len(left) + "".join(
        "\t" if c == "\t" else " " * _cells(c) for c in line[low:start]
    )
    stop = min(end, max(high, start + 1))
    carets = paint("^" * max(stop - start, _cells(line[start:stop])), style)
    return [
        f" {paint(f'{line_number:>{width}} |', 'gutter')} {left}{line[low:high]}{right}".rstrip(),
        f" {paint(' ' * width + ' |', 'gutter')} {indent}{carets}",
    ]


def render_diagnostic(diagnostic: Diagnostic, paint: Paint = _plain) -> str:
    """Render one diagnostic as several lines of text, without a final line end."""
    severity = str(diagnostic.severity)
    head = f"{paint(f'{severity}[{diagnostic.rule}]', severity)}: {diagnostic.message}"
    if diagnostic.phases:
        head += f" (phase {', '.join(diagnostic.phases)})"
    span = diagnostic.span
    if span is not None:
        head = f"{paint(f'{span}:', 'place')} {head}"
    lines = [head]
    spans = [s for s in (span, *(label.span for label in diagnostic.labels)) if s is not None]
    width = max((len(str(s.line)) for s in spans), default=1)
    if span is not None:
        lines += _excerpt(span, severity, width, paint)
    for label in diagnostic.labels:
        lines.append(f" {' ' * width} {paint('-->', 'gutter')} {label.span}: {label.message}")
        lines += _excerpt(label.span, "note", width, paint)
    if diagnostic.note:
        lines.append(f" {' ' * width} {paint('= help:', 'note')} {diagnostic.note}")
    return "\n".join(lines)


def render_text(diagnostics: Iterable[Diagnostic], paint: Paint = _plain) -> str:
    """Render diagnostics for a terminal or a log, one after the other."""
    return "".join(render_diagnostic(d, paint) + "\n" for d in diagnostics)
