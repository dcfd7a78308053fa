"""Faults of one text, up to a number beyond which nobody reads on."""

from netdef.source import Diagnostic, Span, error

MOST = 1000
"""Faults that are listed; of more, only the number is told."""

TOO_MANY = "too-many-faults"

_LONGEST = 80


def shortened(text: str) -> str:
    """Return what was written as messages quote it: not endlessly."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


class Faults(list[Diagnostic]):
    """A list of faults that stays short, so that a text of any length can be checked."""

    def __init__(self) -> None:
        """Start without any."""
        super().__init__()
        self._more = 0

    @property
    def full(self) -> bool:
        """Whether no more can be listed: who would have to think hard for a message need not."""
        return len(self) >= MOST

    def append(self, fault: Diagnostic, /) -> None:
        """Take a fault, or only count it."""
        if self.full:
            self._more += 1
        else:
            super().append(fault)

    def skip(self) -> None:
        """Count a fault that nobody has put into words."""
        self._more += 1

    def finished(self) -> list[Diagnostic]:
        """Return the faults in the order of the text, last how many more there are."""
        found = sorted(self, key=lambda d: d.span.start if d.span else 0)
        if self._more:
            last = found[-1].span
            plural = "" if self._more == 1 else "s"
            text = f"{self._more:,} more fault{plural} of this kind"
            note = "is this the file you meant?"
            found.append(
                error(TOO_MANY, text, last and Span(last.file, last.end, last.end), note=note)
            )
        return found
