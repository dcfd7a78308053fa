"""Which part of an input a unit of a blob sees.

A box is followed from the unit down to the input: through the windows of convolutions and poolings
by their sizes (Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks,
2019), through other layers by where the gradient of their tops reaches.
"""

from collections.abc import Mapping
from typing import NamedTuple

from netdef import catalog
from netdef.contract import Window
from netdef.contract.of_layer import instance_of
from netdef.explain.reach import Box, Reach, union, whole
from netdef.ir import Blob, Layer, show_shape
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.torch_backend.executable import Executable


class Field(NamedTuple):
    """The receptive field of the units of a blob, the image's border left out of account.

    Attributes:
        blob: The name of the blob.
        size: Rows and columns that a unit sees; None where every unit sees the whole input.
        stride: Rows and columns between what neighbours see.
        start: Row and column of the first pixel that the first unit sees, negative in the padding.
    """

    blob: str
    size: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    start: tuple[int, ...] | None


def receptive_field(exe: Executable, blob: str, place: tuple[int, ...], source: str) -> Box | None:
    """Return first and last row and column of an input that a unit sees, ends included.

    Args:
        exe: The net.
        blob: The blob of the unit.
        place: Its row and column; () in a blob without.
        source: The input.

    Returns:
        The box, cut to the input; None where the unit does not depend on it.

    Raises:
        NetdefError: There is no such blob or unit (rules `unknown-blob`, `cannot-explain`).
    """
    target = _blob(exe, blob)
    sizes = (target.shape or ())[2:]
    if len(place) != len(sizes) or any(
        not 0 <= at < size for at, size in zip(place, sizes, strict=False)
    ):
        text = f"`{blob}` {show_shape(target.shape)} has no unit at {place or 'a place'}"
        note = (
            f"a unit is --unit {blob}:{','.join('0' * len(sizes))}" if sizes else f"--unit {blob}"
        )
        raise NetdefError(error("cannot-explain", text, note=note))
    boxes = _walk(exe, target, tuple((at, at) for at in place), clip=True)
    return boxes.get(_first(exe, source))


def receptive_fields(exe: Executable, source: str) -> list[Field]:
    """Return the receptive field of the units of every blob with rows and columns."""
    found: list[Field] = []
    for name, blob in exe.net.blobs.items():
        sizes = (blob.shape or ())[2:]
        if name == source or len(sizes) != 2:
            continue
        first = _unclipped(exe, blob, (0,) * len(sizes), source)
        second = _unclipped(exe, blob, (1,) * len(sizes), source)
        if first is None or second is None:
            found.append(Field(name, None, None, None))
            continue
        size = tuple(high - low + 1 for low, high in first)
        stride = tuple(b[0] - a[0] for a, b in zip(first, second, strict=True))
        found.append(Field(name, size, stride, tuple(low for low, _ in first)))
    return found


def _unclipped(exe: Executable, blob: Blob, place: tuple[int, ...], source: str) -> Box | None:
    try:
        boxes = _walk(exe, blob, tuple((at, at) for at in place), clip=False)
    except _SeesAllError:
        return None
    return boxes.get(_first(exe, source))


class _SeesAllError(Exception):
    """A layer on the way whose units do not each see a part at their own place."""


def _walk(exe: Executable, target: Blob, box: Box, clip: bool) -> Mapping[Blob, Box]:
    """Return what a box of a blob sees of every blob before it."""
    boxes: dict[Blob, Box] = {target: box}
    for layer in reversed(exe.net.layers):
        for top in layer.tops:
            if top not in boxes or layer.source:
                continue
            for index, bottom in enumerate(layer.bottoms):
                seen = _through(exe, layer, top, index, boxes[top], clip)
                if seen is not None:
                    boxes[bottom] = union(boxes.get(bottom), seen)
    return boxes


def _through(
    exe: Executable, layer: Layer, top: Blob, index: int, box: Box, clip: bool
) -> Box | None:
    """Return what a box of a top sees of a bottom; None for nothing."""
    bottom = layer.bottoms[index]
    sizes = (bottom.shape or ())[2:]
    window = _window(layer)
    if window is not None and len(window.kernel) == len(box) == len(sizes):
        seen = tuple(
            (low * s - p, high * s - p + (k - 1) * d)
            for (low, high), k, s, p, d in zip(
                box, window.kernel, window.stride, window.pad, window.dilation, strict=True
            )
        )
        if not clip:
            return seen
        cut = tuple(
            (max(low, 0), min(high, n - 1)) for (low, high), n in zip(seen, sizes, strict=True)
        )
        return None if any(low > high for low, high in cut) else cut
    reach = Reach(exe.module_of(layer), layer, layer.tops.index(top), index)
    if reach.at_its_place:
        return box
    if not clip:
        if reach.nothing:
            return None
        raise _SeesAllError
    return reach.of(box) or (None if reach.nothing else whole(bottom))


def _window(layer: Layer) -> Window | None:
    kind = catalog.find(layer.type)
    if kind is None:
        return None
    return kind.window(instance_of(layer, catalog.own_message(kind, layer.message)))


def _blob(exe: Executable, name: str) -> Blob:
    found = exe.net.blobs.get(name)
    if found is None:
        note = did_you_mean(name, exe.net.blobs)
        raise NetdefError(error("unknown-blob", f"this net has no blob `{name}`", note=note))
    return found


def _first(exe: Executable, source: str) -> Blob:
    """Return the blob that comes from outside, not what an in-place layer made of it."""
    tops = (top for layer in exe.net.layers if layer.source for top in layer.tops)
    return next(top for top in tops if top.name == source)
