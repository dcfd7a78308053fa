"""Fully connected layers as convolutions whose kernel is as large as what they see.

At the size that the net was made for nothing changes; larger images give a map of answers in place
of one (Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation, 2015).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from netdef.frontend.nodes import Block, Scalar
from netdef.ir import Blob, Layer, Net
from netdef.source import NetdefError, error
from netdef.surgery.draft import Draft
from netdef.surgery.edits import Edit, edited, layers_of, renaming

_DENSE, _FLATTEN = "InnerProduct", "Flatten"
_MAP_AXES = 4
_DROPPED = ("axis", "transpose")
"""Fields of `inner_product_param` that a convolution has not."""


@dataclass(frozen=True)
class _Sight:
    """What a fully connected layer sees, and its weights.

    Attributes:
        channels: C of its bottom.
        rows: H.
        columns: W.
        transposed: Whether the weights are (inputs, outputs).
    """

    channels: int
    rows: int
    columns: int
    transposed: bool


def fully_convolutional(draft: Draft) -> Draft:
    """Return a draft whose InnerProduct layers are convolutions, under the same names.

    Those that flatten anything but channels, rows and columns stay; a Flatten before one that is
    converted goes. What was (N, K) becomes (N, K, 1, 1), or (N, K, H, W) of larger images.

    Raises:
        NetdefError: The net has faults or no such layer, or a layer behind one cannot take what it
            makes now (rule `cannot-operate` and those of the check).
    """
    net = draft.net()
    sights, flattened = _plan(net)
    if not sights:
        text = "this net has no InnerProduct that a convolution could replace"
        note = "those are replaced that flatten (N, C, H, W) from axis 1 on"
        raise NetdefError(error("cannot-operate", text, note=note))
    bound = draft.bound()
    removed: list[Block] = []
    edits: list[Edit] = []
    for node, message in layers_of(bound):
        if message.name in flattened and message.type == _FLATTEN:
            removed.append(node)
            continue
        if message.name in sights and message.type == _DENSE:
            edits += _converted(node, sights[message.name])
        for old, new in flattened.values():
            edits += renaming(node, message, "bottom", old, new)
    weights = {
        name: _reshaped(blobs, sights[name]) if name in sights else blobs
        for name, blobs in draft.weights.items()
    }
    done = draft.having(edited(draft.file, edits, removed), weights)
    done.net()  # whatever reads a map now must be able to
    return done


def _plan(net: Net) -> tuple[dict[str, _Sight], dict[str, tuple[str, str]]]:
    """Return what the layers to convert see, and the names around the Flattens that go."""
    sights: dict[str, _Sight] = {}
    flattened: dict[str, tuple[str, str]] = {}
    whole: dict[Blob, tuple[int, ...]] = {}  # blobs of two axes that will be maps, or were
    for layer in net.layers:
        shape = _seen(layer, whole)
        if layer.type == _FLATTEN and shape and _only_for_dense(net, layer):
            flattened[layer.name] = layer.tops[0].name, layer.bottoms[0].name
            whole[layer.tops[0]] = shape
        elif layer.type == _DENSE and shape and _axis(layer) == 1:
            p = layer.message.inner_product_param
            channels, rows, columns = shape
            sights[layer.name] = _Sight(channels, rows, columns, p.transpose)
            whole[layer.tops[0]] = p.num_output, 1, 1
        elif shape and any(b in whole for b in layer.bottoms):
            whole.update({top: shape for top in layer.tops if len(top.shape or ()) == 2})
    return sights, flattened


def _seen(layer: Layer, whole: dict[Blob, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the (C, H, W) of a layer's first bottom; () if it has none."""
    if not layer.bottoms:
        return ()
    bottom = layer.bottoms[0]
    shape = bottom.shape or ()
    return whole.get(bottom, shape[1:] if len(shape) == _MAP_AXES else ())


def _only_for_dense(net: Net, layer: Layer) -> bool:
    p = layer.message.flatten_param
    plain = p.axis == 1 and p.end_axis in (-1, _MAP_AXES - 1) and not layer.in_place
    readers = net.consumers[layer.tops[0]]
    return plain and bool(readers) and all(r.type == _DENSE and _axis(r) == 1 for r in readers)


def _axis(layer: Layer) -> int:
    axis = layer.message.inner_product_param.axis
    return axis + len(layer.bottoms[0].shape or ()) if axis < 0 else axis


def _converted(node: Block, sight: _Sight) -> Iterator[Edit]:
    kind, own = node.first("type"), node.first("inner_product_param")
    assert isinstance(kind, Scalar) and isinstance(own, Block)  # noqa: S101 - the net was checked
    yield Edit(kind.value_start, kind.end, '"Convolution"')
    yield Edit(own.name_span.start, own.name_span.end, "convolution_param")
    for field in own.fields:
        if field.name in _DROPPED:
            yield Edit(field.start, field.end, "")
        elif field.name == "num_output":
            yield Edit(field.end, field.end, f" {_kernel(sight)}")


def _kernel(sight: _Sight) -> str:
    if sight.rows == sight.columns:
        return f"kernel_size: {sight.rows}"
    return f"kernel_h: {sight.rows} kernel_w: {sight.columns}"


def _reshaped(blobs: Any, sight: _Sight) -> tuple[Any, ...]:
    """Return weight and bias in the layout of a convolution.

    Args:
        blobs: (K, C H W), or transposed, and (K,); old files have more axes in front.
        sight: What the layer sees.
    """
    weight, *bias = blobs
    if weight is None:
        return tuple(blobs)
    inputs = sight.channels * sight.rows * sight.columns
    matrix = weight.reshape(inputs, -1).T if sight.transposed else weight.reshape(-1, inputs)
    kernels = matrix.reshape(-1, sight.channels, sight.rows, sight.columns)
    return (np.ascontiguousarray(kernels), *(b if b is None else b.reshape(-1) for b in bias))
