"""What stands in a box and on an edge, as plain lines of text."""

from collections.abc import Iterator
from typing import Any

from netdef import catalog
from netdef.analysis.facets import facets_of
from netdef.analysis.units import show_shape
from netdef.contract import Window
from netdef.drawing.diagram import Box
from netdef.ir import Blob, Layer
from netdef.schema.lookup import is_repeated

_IMAGE_AXES = 4

_MOST_TOPS = 6
"""A box lists no more tops than this."""


def box_text(box: Box) -> list[list[str]]:
    """Return the sections of a box, each a list of lines.

    First the layer's name, what it does and the shapes it makes; then a section of one line for
    every layer that works on it in place.
    """
    head = [box.head.name, describe(box.head), *_tops(box.head)]
    return [head, *([f"{layer.name} · {describe(layer)}"] for layer in box.layers[1:])]


def edge_text(blob: Blob, producer: Layer) -> str:
    """Return the size of a blob, after its name where the producer makes several.

    Images, the blobs of four axes, are written as in Netscope, channels before size and without
    the batch (64ch x 112x112): boxes give the whole shape, and short labels keep branches close.
    """
    text = _whole_shape(blob)
    if blob.shape is not None and len(blob.shape) == _IMAGE_AXES and not blob.dynamic:
        _, channels, height, width = blob.shape
        text = f"{channels}ch x {height}x{width}"
    return _named(blob, text, producer)


def describe(layer: Layer) -> str:
    """Return what a layer does, from its type, its options and its window.

    Such as `Convolution 3x3 /2 pad 1` (a stride of 2), `Pooling MAX 2x2 /2` or `Eltwise SUM`.
    """
    return " ".join([layer.type, *_options(layer), *_window_text(layer), *_group(layer)])


def _tops(layer: Layer) -> list[str]:
    lines = [_named(top, _whole_shape(top), layer) for top in layer.tops]
    if len(lines) > _MOST_TOPS:
        rest = len(lines) - _MOST_TOPS + 1
        lines = [*lines[: _MOST_TOPS - 1], f"and {rest} more tops"]
    return lines


def _whole_shape(blob: Blob) -> str:
    return "unknown shape" if blob.shape is None else show_shape(blob.shape, blob.dynamic)


def _named(blob: Blob, text: str, producer: Layer) -> str:
    return text if len(producer.tops) == 1 else f"{blob.name}: {text}"


def _own(layer: Layer) -> Any:
    """Return the message of the type's own parameters; None if there is none."""
    kind = catalog.find(layer.type)
    return None if kind is None or kind.param is None else catalog.own_message(kind, layer.message)


def _options(layer: Layer) -> Iterator[str]:
    """Yield what the file chooses among named values (MAX, SUM), but not who computes it."""
    own = _own(layer)
    for field, value in own.ListFields() if own is not None else ():
        if field.enum_type and not is_repeated(field) and field.name != "engine":
            yield field.enum_type.values_by_number[value].name


def _group(layer: Layer) -> Iterator[str]:
    groups = getattr(_own(layer), "group", 1)
    if groups > 1:
        yield f"group {groups}"


def _window_text(layer: Layer) -> Iterator[str]:
    view = facets_of(layer)
    window = None if view is None else view[0].window(view[1])
    if window is not None:
        yield from show_window(window)


def show_window(window: Window) -> Iterator[str]:
    """Yield the kernel, then what differs from a step of 1, no padding and no dilation."""
    yield "x".join(map(str, window.kernel))
    if set(window.stride) != {1}:
        yield f"/{_axes(window.stride)}"
    if set(window.pad) != {0}:
        yield f"pad {_axes(window.pad)}"
    if set(window.dilation) != {1}:
        yield f"dilation {_axes(window.dilation)}"


def _axes(sizes: tuple[int, ...]) -> str:
    """Return one size if all axes have the same, otherwise all of them."""
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))
