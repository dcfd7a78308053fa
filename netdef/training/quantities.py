"""What can be drawn of a run: quantities, each with the lines that show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.training.history import MEASURES, History, Series

LABELS = {
    "loss": "loss",
    "accuracy": "score",
    "rate": "learning rate",
    "gradient-norm": "gradient norm",
    "speed": "images/s",
}
"""What the axis of a quantity says; that of an output has its name."""


@dataclass(frozen=True)
class Line:
    """A line of a panel.

    Attributes:
        label: What it shows: "training loss", "test accuracy".
        series: Its points.
        test: Whether it is of a test.
        number: Its place among the lines of its kind.
    """

    label: str
    series: Series
    test: bool
    number: int


def quantities(histories: Sequence[History]) -> list[str]:
    """Return all that can be drawn of any of the runs, by the names that users give."""
    known = [
        q for q in ("loss", "accuracy", *MEASURES[1:]) if any(lines_of(h, q) for h in histories)
    ]
    names = {name for h in histories for name in (*h.outputs, *(n for _, n in h.scores))}
    whole = {name.partition("[")[0] for name in names}
    return known + sorted(whole - set(known))


def panels_of(histories: Sequence[History], what: Sequence[str]) -> list[str]:
    """Return the quantities to draw: those asked for, or loss and accuracy where they are known.

    Raises:
        NetdefError: No run has one that is asked for.
    """
    known = quantities(histories)
    if not what:
        return [q for q in ("loss", "accuracy") if q in known] or known[:1]
    for quantity in what:
        if not any(lines_of(history, quantity) for history in histories):
            text = f"nothing is told of `{quantity}`"
            near = did_you_mean(quantity, known)
            note = near or f"what is told of: {', '.join(known)}"
            raise NetdefError(error("unknown-quantity", text, note=note))
    return list(dict.fromkeys(what))


def lines_of(history: History, quantity: str) -> list[Line]:
    """Return the lines of a run in the panel of a quantity, those of the training first."""
    lines: list[Line] = []
    if series := history.measures.get(quantity):
        label = "training loss" if quantity == "loss" else LABELS[quantity]
        lines.append(Line(label, series, False, 0))
    for name, series in history.outputs.items():
        # The objective is the training loss; its parts are shown when they are asked for.
        if series and quantity != "loss" and _shows(history, quantity, name):
            lines.append(Line(f"training {name}", series, False, len(lines)))
    tests = 0
    for (net, name), series in history.scores.items():
        if series and _shows(history, quantity, name):
            many = f" (test net {net})" if net else ""
            lines.append(Line(f"test {name}{many}", series, True, tests))
            tests += 1
    return lines


def _shows(history: History, quantity: str, name: str) -> bool:
    """Return whether the panel of a quantity shows the output `name`."""
    if quantity == "loss":
        return "[" not in name and history.is_loss(name)
    if quantity == "accuracy" and quantity != name.partition("[")[0]:
        return "[" not in name and not history.is_loss(name)
    return quantity == name.partition("[")[0]
