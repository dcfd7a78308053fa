"""Diagnostics as workflow commands, which GitHub shows beside the changed lines."""

from collections.abc import Iterable

from netdef.source.diagnostic import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def _escape(text: str, property_value: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_value else text


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Render diagnostics as `::error file=...,line=...,col=...::message` lines."""
    lines: list[str] = []
    for d in diagnostics:
        place = ""
        if d.span is not None:
            path = _escape(d.span.path, property_value=True)
            place = f" file={path},line={d.span.line},col={d.span.column}"
        message = f"{d.message} [{d.rule}]" + (f"\n{d.note}" if d.note else "")
        lines.append(f"::{_COMMANDS[d.severity]}{place}::{_escape(message)}\n")
    return "".join(lines)
