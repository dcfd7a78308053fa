"""Diagnostics as data: what is wrong, where, and what would mend it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from netdef.source.span import Span


class Severity(StrEnum):
    """How much a diagnostic matters: an error keeps the input from being used.

    A warning says that something will not be as it looks, a hint that it could be better.
    """

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Label:
    """A related place with what it has to do with the fault."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault, warning or hint.

    Attributes:
        rule: Stable name of the kind of fault, such as `unknown-field`.
        severity: Error, warning or hint.
        message: One sentence, without a full stop, that stands on its own.
        span: Where; None when the fault has no place in a text (a missing file, say).
        labels: Related places ("first produced here").
        note: What would mend it ("did you mean `stride`?").
        phases: The phases it was found in, where only some of those checked have it.
    """

    rule: str
    severity: Severity
    message: str
    span: Span | None = None
    labels: tuple[Label, ...] = ()
    note: str | None = None
    phases: tuple[str, ...] = ()

    def with_phases(self, *phases: str) -> "Diagnostic":
        """Return the same diagnostic, tagged with the phases it was found in."""
        return replace(self, phases=phases)

    @property
    def is_error(self) -> bool:
        """Whether the input cannot be used because of it."""
        return self.severity is Severity.ERROR


def error(
    rule: str,
    message: str,
    span: Span | None = None,
    labels: Iterable[Label] = (),
    note: str | None = None,
) -> Diagnostic:
    """Make a diagnostic of severity error."""
    return Diagnostic(rule, Severity.ERROR, message, span, tuple(labels), note)


def warning(
    rule: str,
    message: str,
    span: Span | None = None,
    labels: Iterable[Label] = (),
    note: str | None = None,
) -> Diagnostic:
    """Make a diagnostic of severity warning."""
    return Diagnostic(rule, Severity.WARNING, message, span, tuple(labels), note)


def hint(
    rule: str,
    message: str,
    span: Span | None = None,
    labels: Iterable[Label] = (),
    note: str | None = None,
) -> Diagnostic:
    """Make a diagnostic of severity hint."""
    return Diagnostic(rule, Severity.HINT, message, span, tuple(labels), note)


class NetdefError(Exception):
    """The input has faults, all of them listed.

    Attributes:
        diagnostics: Every error and warning found, in the order of the text.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic] | Diagnostic) -> None:
        """Hold the diagnostics; a single one may be given as it is."""
        if isinstance(diagnostics, Diagnostic):
            diagnostics = (diagnostics,)
        self.diagnostics = list(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        """Return the text rendering, so that an uncaught error still reads well."""
        from netdef.source.render_text import render_text

        return render_text(self.diagnostics).rstrip("\n")
