"""Equal diagnostics of many layers, told once."""

from collections.abc import Sequence
from dataclasses import replace

from netdef.source import Diagnostic, Label

_GROUPED = ("unknown-layer-type",)
_MOST_LABELS = 3


def group(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics, those of one unknown type as one with labels at the other places.

    What is found in different phases counts as found in all of them.
    """
    first: dict[tuple[object, ...], int] = {}
    groups: list[list[Diagnostic]] = []
    for diagnostic in diagnostics:
        key = (diagnostic.rule, diagnostic.severity, diagnostic.message, diagnostic.note)
        if diagnostic.rule in _GROUPED and key in first:
            groups[first[key]].append(diagnostic)
        else:
            first[key] = len(groups)
            groups.append([diagnostic])
    return [_one(members) if len(members) > 1 else members[0] for members in groups]


def _one(members: list[Diagnostic]) -> Diagnostic:
    first, *others = members
    more = len(others) - _MOST_LABELS
    labels = [Label(d.span, "and here") for d in others[:_MOST_LABELS] if d.span is not None]
    if more > 0 and labels:
        layers = f"{more} more layer{'s' if more > 1 else ''}"
        labels[-1] = replace(labels[-1], message=f"here, and in {layers} below")
    everywhere = not all(d.phases for d in members)
    phases = () if everywhere else tuple(dict.fromkeys(p for d in members for p in d.phases))
    message = f"{first.message}, of {len(members)} layers"
    return replace(first, message=message, labels=(*first.labels, *labels), phases=phases)
