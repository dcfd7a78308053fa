"""Windows that do not touch: part of the input is never read."""

from collections.abc import Iterator

from netdef import catalog
from netdef.contract import Window
from netdef.contract.of_layer import instance_of
from netdef.ir import Layer, Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, Span, hint


def hints(net: Net) -> Iterator[Diagnostic]:
    """Yield a hint per convolution or pooling whose stride is larger than its window."""
    for layer in net.layers:
        window = _window(layer)
        if window is None:
            continue
        for axis, (kernel, stride, dilation) in enumerate(
            zip(window.kernel, window.stride, window.dilation, strict=True)
        ):
            reach = dilation * (kernel - 1) + 1
            # A kernel of 1 with a stride thins out on purpose: the shortcuts of residual nets do.
            if kernel > 1 and stride > reach:
                text = (
                    f"`{layer.name}` moves its window of {reach} by {stride}, and so never reads "
                    f"{stride - reach} of every {stride} {_lines(axis, len(window.kernel))}"
                )
                note = f"a stride of at most {reach} reads everything"
                yield hint("stride-beyond-kernel", text, _place(layer, axis), note=note)
                break


def _window(layer: Layer) -> Window | None:
    kind = catalog.find(layer.type)
    if kind is None or layer.params is None or kind.role not in ("convolution", "pooling"):
        return None
    return kind.window(instance_of(layer, catalog.own_message(kind, layer.message)))


def _lines(axis: int, axes: int) -> str:
    return ("rows", "columns")[axis] if axes == 2 else f"places along spatial axis {axis}"


def _place(layer: Layer, axis: int) -> Span | None:
    kind = catalog.find(layer.type)
    assert kind is not None  # noqa: S101 - it has a window
    own = catalog.own_message(kind, layer.message)
    apart = ("stride_h", "stride_w")[min(axis, 1)]
    field = apart if own.HasField(apart) else f"stride[{axis}]"
    return place_of(layer, field, kind.param)
