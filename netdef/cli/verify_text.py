"""What `netdef verify` says: for people, and for programs."""

from math import isfinite
from typing import Any

from netdef.analysis import Column
from netdef.analysis.units import show_name
from netdef.verify.compare import BlobDifference, Report


def headline(report: Report, seed: int) -> str:
    """Return one line above the table: what was compared, and on what."""
    inputs = ", ".join(f"{name} {_sizes(shape)}" for name, shape in report.inputs.items())
    return f"{report.names[0]} and {report.names[1]}; inputs {inputs}; seed {seed}"


def columns(report: Report) -> list[Column]:
    """Return the columns of the table, in the order of execution."""
    blobs = report.blobs
    makers = [blob.maker for blob in blobs]
    cells = {
        "layer": ("Layer", "left", [show_name(m.layer) if m else "" for m in makers]),
        "type": ("Type", "left", [show_name(m.type) if m else "" for m in makers]),
        "blob": ("Blob", "left", [show_name(blob.blob) for blob in blobs]),
        "shape": ("Shape", "left", [_shapes(blob) for blob in blobs]),
        "scale": ("Largest value", "right", [f"{blob.scale:.4g}" for blob in blobs]),
        "largest": ("Difference", "right", [_figure(blob.largest) for blob in blobs]),
        "relative": ("Relative", "right", [_figure(blob.relative) for blob in blobs]),
        "verdict": ("", "left", ["" if blob.fits else "differs" for blob in blobs]),
    }
    return [
        Column(key, title, "right" if align == "right" else "left", tuple(texts))
        for key, (title, align, texts) in cells.items()
        if any(texts)
    ]


def notes(report: Report) -> list[str]:
    """Return the result in a sentence."""
    one = len(report.blobs) == 1
    count = "1 blob" if one else f"{len(report.blobs)} blobs"
    beyond = sum(not blob.fits for blob in report.blobs)
    if beyond:
        return [f"{beyond} of {count} beyond the tolerance of {report.tolerance:.3g}"]
    worst = report.worst
    agree = f"{count} agree{'s' * one} within {report.tolerance:.3g} of the largest value"
    lines = [f"{agree}; farthest apart is {show_name(worst.blob)}, by {worst.relative:.3g}"]
    zero = sum(blob.scale == 0.0 for blob in report.blobs)
    if zero:
        lines.append(f"{zero} of them are zero throughout, which proves little")
    return lines


def to_dict(report: Report, seed: int) -> dict[str, Any]:
    """Return a report as plain data for JSON; None stands for an infinite difference."""
    first = report.first
    return {
        "executors": list(report.names),
        "inputs": {name: list(shape) for name, shape in report.inputs.items()},
        "seed": seed,
        "tolerance": report.tolerance,
        "equal": first is None,
        "first_divergence": None if first is None else first.blob,
        "blobs": [_blob(blob) for blob in report.blobs],
    }


def _blob(blob: BlobDifference) -> dict[str, Any]:
    maker = blob.maker
    return {
        "blob": blob.blob,
        "layer": maker.layer if maker else None,
        "type": maker.type if maker else None,
        "place": str(maker.place) if maker and maker.place else None,
        "shapes": [list(shape) for shape in blob.shapes],
        "largest_value": blob.scale,
        "difference": _number(blob.largest),
        "relative": _number(blob.relative),
        "fits": blob.fits,
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _figure(value: float) -> str:
    return f"{value:.3g}" if isfinite(value) else "not comparable"


def _shapes(blob: BlobDifference) -> str:
    first, second = map(_sizes, blob.shapes)
    return first if first == second else f"{first} and {second}"


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"
