"""Diagnostics on a terminal."""

from collections.abc import Iterable

import click

from netdef.source import Diagnostic
from netdef.source.render_text import render_text

_STYLES: dict[str, dict[str, object]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "hint": {"fg": "green", "bold": True},
    "place": {"bold": True},
    "gutter": {"fg": "blue"},
    "note": {"fg": "cyan"},
}


def report(diagnostics: Iterable[Diagnostic], err: bool = True) -> None:
    """Print diagnostics; in colour on a terminal, plainly elsewhere."""
    click.echo(render_text(diagnostics, _paint), nl=False, err=err)


def _paint(text: str, style: str) -> str:
    return click.style(text, **_STYLES[style])  # type: ignore[arg-type]
