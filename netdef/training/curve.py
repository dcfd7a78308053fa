"""Learning curves, as a picture."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netdef.source import NetdefError, error, replacing
from netdef.training.history import History
from netdef.training.quantities import LABELS, Line, lines_of, panels_of

FORMATS = ("pdf", "png", "svg")
"""The formats, as file suffixes without the dot."""

_TRAINING = "#6b7a8f"
_COLOURS = (
    "#0b66c3", "#c3500b", "#1d8348", "#8e44ad", "#b03a2e",
    "#117a65", "#b8860b", "#5d4037", "#d6458b", "#3f51b5",
)  # fmt: skip
_MARKERS = "os^Dv*PX"
_MARKS = 40
"""About how many marks a line has."""
_MANY_POINTS = 20_000
_LETTERS = 120
"""About how many stand beside each other below the picture."""
_SIZE = (8.0, 3.2)
"""Width of the picture and height of a panel, inches."""

_SETTINGS: Any = {
    # Text stays text, and equal curves give equal bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "netdef",
    "legend.framealpha": 0.85,
    "legend.fontsize": "small",
}
_METADATA = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
"""What would make the bytes differ from day to day, or from machine to machine."""


def format_of_curve(path: str | Path) -> str:
    """Return the format that a file's suffix stands for.

    Raises:
        NetdefError: It stands for none; the error lists those that are known.
    """
    format = Path(path).suffix[1:].lower()
    if format not in FORMATS:
        text = f"the suffix of `{path}` is none that curves are drawn in"
        known = ", ".join(f".{name}" for name in FORMATS)
        raise NetdefError(error("unknown-format", text, note=f"known are {known}"))
    return format


def draw_curves(
    histories: Sequence[History],
    path: str | Path,
    what: Sequence[str] = (),
    smooth: int = 1,
    log: bool = False,
    title: str | None = None,
) -> None:
    """Draw runs against the iteration: a panel per quantity, one colour per run.

    Training is a thin line, tests are lines with marks. A single run has a colour per line.

    Args:
        histories: The runs.
        path: Where to; its suffix tells the format, one of `FORMATS`.
        what: The quantities: "loss" (the objective, and the losses among the tests' outputs),
            "accuracy" (all other outputs of one element), one of `MEASURES`, or the name of an
            output. By default loss and accuracy, as far as they are known.
        smooth: Every training value becomes the mean of the last so many that were told.
        log: Whether the scales are logarithmic, but for accuracy.
        title: What stands above; by default the name of a single run.

    Raises:
        NetdefError: The suffix is unknown, no run has a quantity, or the file cannot be written.
    """
    format = format_of_curve(path)
    panels = panels_of(histories, what)
    if title is None:
        title = histories[0].name if len(histories) == 1 else ""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # Names in scripts that the font lacks, and scales without a point, are no faults.
        warnings.simplefilter("ignore", UserWarning)
        width, height = _SIZE
        figure = Figure(figsize=(width, height * len(panels) + 0.8), layout="constrained")
        rows = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for axes, quantity in zip(rows, panels, strict=True):
            _draw_panel(axes, quantity, histories, smooth)
            _scale(axes, quantity, log)
        rows[0].set_title(_plain(title))
        rows[-1].set_xlabel("iteration")
        if len(histories) > 1:
            _name_runs(figure, histories)
        with replacing(path) as temporary:
            figure.savefig(temporary, format=format, dpi=150, metadata=_METADATA[format])


def _draw_panel(axes: Any, quantity: str, histories: Sequence[History], smooth: int) -> None:
    """Draw the lines of all runs, and say what they are where the axis does not."""
    many = len(histories) > 1
    shown: dict[str, Any] = {}
    points = 0
    for history, own in zip(histories, _colours(len(histories)), strict=True):
        for line in lines_of(history, quantity):
            drawn = _draw_line(axes, line, own if many else _colour(line), smooth)
            points += len(line.series)
            shown.setdefault(_plain(line.label), _sample(line) if many else drawn)
    label = _plain(LABELS.get(quantity, quantity))
    if set(shown) != {label}:
        # To find the best place takes long where there is much to hide.
        loc = "best" if points < _MANY_POINTS else "upper right"
        axes.legend(list(shown.values()), list(shown), loc=loc)
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)


def _draw_line(axes: Any, line: Line, colour: Any, smooth: int) -> Any:
    """Draw a line, behind it faintly what was smoothed; return it."""
    xs = sorted(line.series)
    ys = [line.series[x] for x in xs]
    style = _style(line)
    if not line.test and smooth > 1:
        axes.plot(xs, ys, color=colour, lw=0.8, alpha=0.25)
        ys = _smoothed(ys, smooth)
    if len(xs) == 1:
        style["marker"] = style.get("marker", ".")
    return axes.plot(xs, ys, color=colour, **style)[0]


def _style(line: Line) -> dict[str, Any]:
    if line.test:
        every = max(1, len(line.series) // _MARKS)
        marker = _MARKERS[line.number % len(_MARKERS)]
        return {"lw": 1.4, "marker": marker, "ms": 3.5, "markevery": every}
    return {"lw": 1.0, "ls": ("-", "--", ":", "-.")[line.number % 4]}


def _sample(line: Line) -> Any:
    """Return what the legend shows for a kind of line, whatever the run."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color="#444444", **_style(line))


def _name_runs(figure: Any, histories: Sequence[History]) -> None:
    """Say below which colour is which run."""
    from matplotlib.patches import Patch

    names = [_plain(history.name) for history in histories]
    patches = [Patch(color=colour) for colour in _colours(len(names))]
    columns = max(1, min(len(names), _LETTERS // (max(map(len, names)) + 8)))
    figure.legend(patches, names, loc="outside lower center", ncols=columns)


def _colours(count: int) -> list[Any]:
    """Return different colours for so many runs."""
    if count <= len(_COLOURS):
        return list(_COLOURS[:count])
    import matplotlib as mpl

    spread = mpl.colormaps["turbo"]
    return [spread((i + 0.5) / count) for i in range(count)]


def _colour(line: Line) -> str:
    """Return the colour of a line of a single run."""
    if not line.test and not line.number:
        return _TRAINING
    return _COLOURS[(line.number if line.test else -line.number) % len(_COLOURS)]


def _plain(text: str) -> str:
    """Return text in which a dollar does not begin a formula."""
    return text.replace("$", r"\$")


def _scale(axes: Any, quantity: str, log: bool) -> None:
    if log and quantity != "accuracy":
        axes.set_yscale("log", nonpositive="mask")
        return
    low, high = axes.get_ylim()
    if quantity == "loss" and axes.dataLim.ymin >= 0 and low < high / 2:
        axes.set_ylim(bottom=0)


def _smoothed(values: list[float], count: int) -> list[float]:
    """Return the means of the last `count` values, or of as many as there are; NaN counts not."""
    import numpy as np

    array = np.asarray(values, float)
    told = np.isfinite(array)
    sums, counts = (np.cumsum(np.where(told, x, 0.0)) for x in (array, np.ones_like(array)))
    for totals in (sums, counts):
        totals[count:] -= totals[:-count].copy()
    with np.errstate(invalid="ignore"):
        return np.where(told, sums / counts, np.nan).tolist()
