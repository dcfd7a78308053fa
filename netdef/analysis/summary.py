"""A net in figures."""

from dataclasses import dataclass

from netdef.analysis.figures import Figures, total
from netdef.analysis.layer_row import LayerRow, row_of
from netdef.ir import Net


@dataclass(frozen=True, slots=True)
class Summary:
    """Every layer of a net with its figures, and their sums.

    Attributes:
        name: The net's name, or "".
        phase: "TRAIN" or "TEST".
        batch: Images per batch: the first axis of the net's first input; None when that is unknown.
        rows: The layers, in order of execution.
        total: Sums over the rows; unknown figures are left out.
        uncounted: Names of the layers with an unknown figure, so that the totals lack it.
    """

    name: str
    phase: str
    batch: int | None
    rows: tuple[LayerRow, ...]
    total: Figures
    uncounted: tuple[str, ...]

    def per_image(self, figure: int | None) -> int | float | None:
        """Return a batch's figure per image: whole where it divides, None where it is unknown."""
        if figure is None or not self.batch:
            return None
        whole, rest = divmod(figure, self.batch)
        return figure / self.batch if rest else whole


def summarize(net: Net) -> Summary:
    """Return the figures of a typed net."""
    rows = tuple(row_of(layer) for layer in net.layers)
    return Summary(
        name=net.name,
        phase=net.phase,
        batch=_batch(net),
        rows=rows,
        total=total(row.figures for row in rows),
        uncounted=tuple(row.name for row in rows if not row.figures.complete),
    )


def _batch(net: Net) -> int | None:
    first = next((top for layer in net.layers if layer.source for top in layer.tops), None)
    return first.shape[0] if first is not None and first.shape else None
