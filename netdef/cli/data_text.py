"""What `netdef data` says of a data source: for people, and for programs."""

from collections import Counter
from typing import Any

from netdef.data.examine import Findings, Group, show_label
from netdef.source.locate import shown

_MOST_GROUPS = 10
_MOST_LABELS = 20
_BAR = 40
"""Characters of the longest bar of the histogram."""


def text_of(found: Findings) -> str:
    """Return findings as lines, without their faults."""
    looked = f", {found.examined:,} of them looked at" if found.examined < found.size else ""
    lines = [f"{shown(found.path)}: {found.kind}, {found.size:,} records{looked}"]
    lines += _groups("sizes", found.sizes)
    lines += _groups("kept as", found.encodings)
    lines += ["first keys: " + ", ".join(found.keys)] if found.keys else []
    lines += _labels(found.labels)
    return "\n".join(lines) + "\n"


def dict_of(found: Findings) -> dict[str, Any]:
    """Return findings as plain data."""
    return {
        "source": str(found.path),
        "kind": found.kind,
        "records": found.size,
        "examined": found.examined,
        "sizes": _group_dicts(found.sizes),
        "encodings": _group_dicts(found.encodings),
        "labels": {show_label(label): found.labels[label] for label in sorted(found.labels)},
        "first_keys": found.keys,
        "broken": [fault._asdict() for fault in found.faults],
    }


def _groups(title: str, groups: dict[str, Group]) -> list[str]:
    if len(groups) == 1:
        return [f"{title}: {next(iter(groups))}"]
    ranked = sorted(groups.items(), key=lambda item: -item[1].count)
    lines = [
        f"  {name}: {group.count:,}, the first is {group.first}"
        for name, group in ranked[:_MOST_GROUPS]
    ]
    more = len(ranked) - _MOST_GROUPS
    lines += [f"  and {more:,} more"] if more > 0 else []
    return [f"{title}: {len(groups):,} different", *lines] if groups else []


def _group_dicts(groups: dict[str, Group]) -> list[dict[str, Any]]:
    return [{"value": name, **group._asdict()} for name, group in groups.items()]


def _labels(labels: Counter[float]) -> list[str]:
    if not labels:
        return []
    low, high = show_label(min(labels)), show_label(max(labels))
    least, most = min(labels.values()), max(labels.values())
    each = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    lines = [f"labels: {len(labels):,}, from {low} to {high}; {each} each"]
    if len(labels) > _MOST_LABELS:
        return lines
    names = {label: show_label(label) for label in sorted(labels)}
    width = max(map(len, names.values()))
    figures = len(f"{most:,}")
    for label, name in names.items():
        bar = "#" * max(1, round(_BAR * labels[label] / most))
        lines.append(f"  {name:>{width}} {labels[label]:>{figures},} {bar}")
    return lines
