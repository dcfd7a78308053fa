"""The shapes that data layers would yield, for the Input layers in their place."""

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

from netdef.ir import Layer, Shape
from netdef.passes.deploy_text import Given
from netdef.passes.places import place_of
from netdef.source import Diagnostic, NetdefError, error

_COLORS = 3
_LABELLED = ("Data", "ImageData", "MemoryData", "WindowData")
"""Types whose second top is one label per image."""


def shapes_of_inputs(inputs: Iterable[Given], asked: Mapping[str, Shape]) -> dict[int, list[Shape]]:
    """Return the shapes of the tops that are read, by the `id` of the layer's node.

    An Input layer that can stay as it is has none.

    Args:
        inputs: The data and Input layers, with the tops that are read.
        asked: Shapes by name that count instead of what the layers say.

    Raises:
        NetdefError: A shape is not known, or one is given for what is no input.
    """
    shapes: dict[int, list[Shape]] = {}
    faults: list[Diagnostic] = []
    names: set[str] = set()
    for layer, read in inputs:
        tops = [layer.tops[i] for i in read]
        names.update(blob.name for blob in tops)
        found = [
            asked.get(b.name, b.shape) or _written(layer, i)
            for i, b in zip(read, tops, strict=True)
        ]
        for index, blob, shape in zip(read, tops, found, strict=True):
            if shape is None:
                faults.append(_unknown(layer, index, blob.name))
        kept = layer.type == "Input" and len(read) == len(layer.tops)
        if not kept or not asked.keys().isdisjoint(b.name for b in tops):
            shapes[id(layer.node)] = [shape for shape in found if shape is not None]
    for name in sorted(asked.keys() - names):
        text = f"a shape is given for `{name}`, which is not an input of the deploy net"
        note = f"its inputs: {', '.join(sorted(names)) or 'none'}"
        faults.append(error("unknown-input", text, note=note))
    if faults:
        raise NetdefError(faults)
    return shapes


def shapes_written(sources: Iterable[Layer]) -> dict[str, Shape]:
    """Return the shapes by name of tops whose data is not there, but whose layer tells them."""
    return {
        blob.name: shape
        for layer in sources
        for index, blob in enumerate(layer.tops)
        if blob.shape is None and (shape := _written(layer, index)) is not None
    }


def _unknown(layer: Layer, index: int, name: str) -> Diagnostic:
    text = f"the shape of the input `{name}` is not known"
    sizes = _sizes(layer) if index == 0 else (None,) * (1 if layer.type in _LABELLED else 4)
    shape = ",".join(
        size if size else letter for size, letter in zip(map(_digits, sizes), "NCHW", strict=False)
    )
    letters = [letter for size, letter in zip(sizes, "NCHW", strict=False) if not size]
    note = f"give it with --shape {name}={shape}, with numbers for {_listed(letters)}"
    return error("unknown-shape", text, place_of(layer, f"top[{index}]"), note=note)


def _digits(size: int | None) -> str:
    return str(size) if size else ""


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _written(layer: Layer, index: int) -> Shape | None:
    """Return the shape of a top if the text of the layer tells it."""
    sizes = _sizes(layer)
    if index:  # a label for each item; of other second tops we know nothing
        return (sizes[0],) if layer.type in _LABELLED and sizes[0] else None
    shape = tuple(size for size in sizes if size)
    return shape if len(shape) == len(sizes) and prod(shape) else None


def _sizes(layer: Layer) -> tuple[int | None, int | None, int | None, int | None]:
    """Return what the text of a data layer tells of N, C, H and W of its images."""
    m: Any = layer.message
    memory = m.memory_data_param
    images = m.image_data_param
    transform = m.transform_param
    sources = (m.data_param, memory, images, m.window_data_param, m.hdf5_data_param)
    batch = next((p.batch_size for p in sources if p.ByteSize()), None)
    channels = memory.channels or _channels(transform)
    if m.HasField("image_data_param"):
        channels = _COLORS if images.is_color else 1
    elif m.HasField("window_data_param") or m.data_param.force_encoded_color:
        channels = _COLORS
    resized = transform.resize_param
    crop = transform.crop_size or m.window_data_param.crop_size
    height = transform.crop_h or crop or resized.height or images.new_height or memory.height
    width = transform.crop_w or crop or resized.width or images.new_width or memory.width
    return batch, channels, height, width


def _channels(transform: Any) -> int | None:
    if transform.force_gray:
        return 1
    means = len(transform.mean_value)
    return means if means > 1 else _COLORS if transform.force_color else None
