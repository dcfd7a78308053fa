"""A summary for programs."""

from dataclasses import asdict
from typing import Any

from netdef.analysis.figures import PER_BATCH, Figures
from netdef.analysis.layer_row import LayerRow
from netdef.analysis.summary import Summary


def to_dict(summary: Summary) -> dict[str, Any]:
    """Return a summary as plain data for JSON.

    Counts are exact, sizes in bytes, both for the whole batch; `per_image` repeats those that grow
    with the batch. What is not known is None.
    """
    return {
        "name": summary.name,
        "phase": summary.phase,
        "batch": summary.batch,
        "layers": [_row(summary, row) for row in summary.rows],
        "total": _figures(summary, summary.total),
        "uncounted": list(summary.uncounted),
    }


def _row(summary: Summary, row: LayerRow) -> dict[str, Any]:
    tops = [
        {"name": name, "shape": None if shape is None else list(shape)}
        for name, shape in zip(row.tops, row.shapes, strict=True)
    ]
    head = {"name": row.name, "type": row.type, "tops": tops, "dynamic": row.dynamic}
    return head | _figures(summary, row.figures)


def _figures(summary: Summary, figures: Figures) -> dict[str, Any]:
    per_image = {key: summary.per_image(getattr(figures, key)) for key in PER_BATCH}
    return asdict(figures) | {"per_image": per_image}
