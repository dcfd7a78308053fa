"""What came from weight files, in words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netdef.ir import show_shape
from netdef.training.transfer import Transfer
from netdef.weights import Match, Mismatch

_MOST_NAMES = 12


def transfer_lines(transfer: Transfer) -> list[str]:
    """Return the report on weight files as lines."""
    lines: list[str] = []
    for path, match in transfer.files:
        lines.append(f"weights: {path}: {_plural(len(match.copied))} copied")
        if match.unused:
            lines.append(f"  skipped, not in the net: {_some(match.unused)}")
        lines += [f"  mismatched, left as it was: {_difference(m)}" for m in match.mismatched]
    if transfer.missing:
        where = "the file" if len(transfer.files) == 1 else "any of the files"
        lines.append(f"  missing, not in {where}: {_some(transfer.missing)}")
    return lines


def _difference(mismatch: Mismatch) -> str:
    stored = ", ".join(map(show_shape, mismatch.stored)) or "nothing"
    wanted = ", ".join(map(show_shape, mismatch.wanted))
    return f"{mismatch.layer}: {stored} in the file, {wanted} in the net"


def _plural(count: int) -> str:
    return f"{count} layer" if count == 1 else f"{count} layers"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def match_as_dict(path: Path, match: Match) -> dict[str, Any]:
    """Return what came from a file as plain data for JSON."""
    return {
        "file": str(path),
        "copied": match.copied,
        "skipped": match.unused,
        "missing": match.missing,
        "mismatched": [
            {"layer": m.layer, "stored": m.stored, "net": m.wanted} for m in match.mismatched
        ],
    }
