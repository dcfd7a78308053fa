"""A timing as a table: what every renderer shows, in the same words."""

from netdef.analysis import Column
from netdef.analysis.units import show_name, show_number
from netdef.timing.timing import LayerTime, Timing

_MANY = 100  # images/s that are shown without decimals


def columns(timing: Timing) -> list[Column]:
    """Return the columns of the table."""
    layers = timing.layers
    macs = sum(layer.macs for layer in layers)
    rate = 2 * macs / (timing.forward * 1e6) if timing.forward else None
    trained = timing.whole_backward is not None
    table = [
        Column("names", "Layer", "left", tuple(map(label_of, layers)), "Sum of the layers"),
        Column("types", "Type", "left", tuple(show_name(" + ".join(x.types)) for x in layers)),
        _times("forward_ms", "Forward ms", [x.forward for x in layers], timing.forward),
    ]
    if trained:
        backward = [x.backward for x in layers]
        table.append(_times("backward_ms", "Backward ms", backward, timing.backward))
    shares = tuple(f"{timing.share(x):.1%}" for x in layers)
    table.append(Column("share", "Share", "right", shares))
    counts = tuple(show_number(x.macs) if x.macs else "" for x in layers)
    table.append(Column("macs", "MACs", "right", counts, show_number(macs)))
    rates = tuple(_rate(x.gflops) for x in layers)
    table.append(Column("gflops", "GFLOP/s", "right", rates, _rate(rate)))
    return table


def label_of(layer: LayerTime) -> str:
    """Return the name of a layer, or those of several that are computed in one step."""
    return show_name(" + ".join(layer.names))


def headline(timing: Timing) -> str:
    """Return one line above the table: what was measured, and where."""
    name = show_name(timing.net) or "unnamed net"
    batch = "batch size unknown" if timing.batch is None else f"batch of {timing.batch}"
    engine = "" if timing.engine == "torch" else f", engine {timing.engine}"
    return (
        f"{name}, phase {timing.phase}, {batch}; {timing.device_name} ({timing.device}), "
        f"{timing.precision}{engine}; medians of {timing.iterations} passes"
    )


def notes(timing: Timing) -> list[str]:
    """Return the times of the whole pass in sentences, one line each."""
    how = "measured apart" if timing.layers else "measured alone"
    how = "compiled" if timing.compiled else how
    parts = [f"forward {timing.whole_forward:.3f} ms"]
    total = timing.whole_forward
    if timing.whole_backward is not None:
        parts.append(f"backward {timing.whole_backward:.3f} ms")
        total += timing.whole_backward
    if timing.batch and total:
        speed = timing.batch * 1e3 / total
        parts.append(f"{speed:,.{0 if speed >= _MANY else 2}f} images/s")
    lines = [f"Whole pass, {how}: {', '.join(parts)}"]
    if timing.layers:
        lines.append("GFLOP/s are those of the forward pass; a MAC counts as two operations")
    if timing.compiled:
        lines.append("Layers are timed one at a time, and so not compiled")
    return lines


def _times(key: str, title: str, times: list[float | None] | list[float], total: float) -> Column:
    cells = tuple("" if ms is None else f"{ms:.3f}" for ms in times)
    return Column(key, title, "right", cells, f"{total:.3f}")


def _rate(gflops: float | None) -> str:
    return "" if not gflops else f"{gflops:,.1f}"
