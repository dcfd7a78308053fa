"""Dropping layers that nothing asks for."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from netdef.ir import Blob, Layer, Net, Param
from netdef.schema import pb


def drop_dead_code(net: Net, wanted: Iterable[Blob]) -> Net:
    """Return the net of the layers that `wanted` depends on, in their order.

    A parameter whose owner goes is owned by the first layer left that shares it.

    Args:
        net: A connected net.
        wanted: Blobs of the net.
    """
    needed = set(wanted)
    layers: list[Layer] = []
    for layer in reversed(net.layers):
        if needed.intersection(layer.tops):
            layers.append(layer)
            needed.update(layer.bottoms)
    heirs: dict[Param, Param] = {}
    return net.replace(layers=tuple(_inheriting(layer, heirs) for layer in reversed(layers)))


def _inheriting(layer: Layer, heirs: dict[Param, Param]) -> Layer:
    """Let the parameters that are the first of their root own themselves."""
    params: list[Param] = []
    for param in layer.params or ():
        first = heirs.get(param.root)
        if first is None:
            heirs[param.root] = first = replace(param, owner=None) if param.owner else param
            params.append(first)
        else:
            params.append(param if param.owner is first else replace(param, owner=first))
    if layer.params is None or all(a is b for a, b in zip(params, layer.params, strict=True)):
        return layer
    return layer.replace(params=tuple(params), message=_saying(layer.message, params))


def _saying(message: Any, params: list[Param]) -> Any:
    """Let a layer's message say of its parameters what the owner that is gone said."""
    changed = type(message)()
    changed.CopyFrom(message)
    for param, spec in zip(params, changed.param, strict=False):
        spec.lr_mult, spec.decay_mult = param.lr_mult, param.decay_mult
        spec.share_mode = pb.ParamSpec.PERMISSIVE  # the first left may have another shape
    return changed
