"""Diagnostics for programs."""

import json
from collections.abc import Iterable
from typing import Any

from netdef.source.diagnostic import Diagnostic
from netdef.source.span import Span


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"path": None, "line": None, "column": None, "end_line": None, "end_column": None}
    line, column = span.file.position(span.start)
    end_line, end_column = span.file.position(span.end)
    return {
        "path": span.path,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def to_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as plain data; lines and columns count from 1."""
    return {
        "rule": diagnostic.rule,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        **_place(diagnostic.span),
        "labels": [{"message": label.message, **_place(label.span)} for label in diagnostic.labels],
        "note": diagnostic.note,
        "phases": list(diagnostic.phases),
    }


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Render diagnostics as one JSON array."""
    return json.dumps([to_dict(d) for d in diagnostics], indent=2) + "\n"
