"""A timing as a bar chart."""

from pathlib import Path

from netdef.source import replacing
from netdef.timing.columns import headline, label_of, notes
from netdef.timing.timing import Timing

_MOST_BARS = 60
_FORWARD, _BACKWARD = "#0b66c3", "#c3500b"


def write_chart(timing: Timing, path: Path) -> None:
    """Write an SVG: a bar per layer, in the order of the net, forward and then backward.

    Of a net with very many layers those that take longest have bars; the last bar is the others'.

    Raises:
        NetdefError: The file cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    labels, forward, backward = _bars(timing)
    # Text stays text, and equal timings give equal bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "netdef"}):
        figure = Figure(figsize=(9, 1.6 + 0.24 * len(labels)), layout="constrained")
        axes = figure.add_subplot()
        rows = range(len(labels))
        axes.barh(rows, forward, color=_FORWARD, label="forward")
        if timing.whole_backward is not None:
            axes.barh(rows, backward, left=forward, color=_BACKWARD, label="backward")
            figure.legend(loc="outside lower center", ncols=2, fontsize=8)
        whole = timing.forward + timing.backward
        for row, (there, back) in enumerate(zip(forward, backward, strict=True)):
            share = (there + back) / whole if whole else 0.0
            axes.annotate(
                f"{there + back:.3g} ms, {share:.1%}",
                (there + back, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        axes.set_yticks(rows, labels, fontsize=8, parse_math=False)
        axes.set_ylim(len(labels) - 0.4, -0.6)  # the first layer on top
        axes.margins(x=0.18)
        axes.set_xlabel(f"milliseconds\n{notes(timing)[0]}")
        axes.set_title(headline(timing), fontsize=9, parse_math=False, wrap=True)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        with replacing(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})


def _bars(timing: Timing) -> tuple[list[str], list[float], list[float]]:
    """Return the labels of the bars, and their forward and backward milliseconds."""
    longest = sorted(timing.layers, key=lambda layer: -layer.total)[:_MOST_BARS]
    shown = [layer for layer in timing.layers if layer in longest]
    labels = [label_of(layer) for layer in shown]
    forward = [layer.forward for layer in shown]
    backward = [layer.backward or 0.0 for layer in shown]
    if len(shown) < len(timing.layers):
        labels.append(f"the others ({len(timing.layers) - len(shown)})")
        forward.append(timing.forward - sum(forward))
        backward.append(timing.backward - sum(backward))
    return labels, forward, backward
