"""Hints: what is no fault but could be better, one kind per file.

Every file of this folder has a function `hints` that takes a typed net without errors and yields
diagnostics of severity hint; the file is all that a new hint needs.
"""

import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

from netdef.ir import Net
from netdef.source import Diagnostic

__all__ = ["hints"]

Lint = Callable[[Net], Iterator[Diagnostic]]


def hints(net: Net) -> Iterator[Diagnostic]:
    """Yield the hints of a typed net; none when it has errors."""
    if not net.has_errors:
        for lint in _lints():
            yield from lint(net)


@cache
def _lints() -> tuple[Lint, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").hints for name in names)
