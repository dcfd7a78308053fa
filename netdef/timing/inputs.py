"""Inputs that a net can be timed with, though its data are not there."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from netdef import catalog
from netdef.contract import Values
from netdef.ir import Blob, Layer, Net, Shape

_AXES_OF_IMAGES = 4
_STRICTEST_FIRST = ("labels", "rois", "fixed", "marker", "uniform", "normal")
"""Kinds of values: one that several layers read must suit the first of these."""


def make_inputs(net: Net, seed: int = 0) -> dict[str, Tensor]:
    """Return values for the inputs of a net, of their declared shapes, float32.

    Images are random. What must be whole numbers is 0, which is a label of every net, and a region
    without extent in the first image. What a layer reads tells which it is: the inputs of its
    type's examples say what they are. Layers that only move values are looked through.

    Args:
        net: A typed net.
        seed: Seed of the random numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    sources = [top for layer in net.layers if layer.source for top in layer.tops]
    shapes = [top.shape or () for top in sources]
    size = next((shape[2:] for shape in shapes if len(shape) == _AXES_OF_IMAGES), ())
    found = [_values_for(net, top) for top in sources]
    # What tells the size of the images must tell the size of these.
    found = [
        replace(values, given=(*size, *values.given[len(size) :])) if values.of_image else values
        for values in found
    ]
    return {
        top.name: _made(values, shape, generator)
        for top, values, shape in zip(sources, found, shapes, strict=True)
    }


def _made(values: Values, shape: Shape, generator: torch.Generator) -> Tensor:
    if values.kind in ("labels", "rois"):
        return torch.zeros(shape)
    if values.kind == "marker":
        return torch.ones(shape)
    if values.kind == "fixed":
        out = torch.empty(shape)
        given = torch.tensor(values.given)
        return given.repeat(-(-out.numel() // len(given)))[: out.numel()].reshape(shape)
    if values.kind == "uniform":
        return values.low + (values.high - values.low) * torch.rand(shape, generator=generator)
    return torch.randn(shape, generator=generator)


def _values_for(net: Net, blob: Blob) -> Values:
    """Return what the layers that read a blob, or a rearrangement of it, want to read."""
    found = [Values(blob.shape or ())]
    waiting, seen = [blob], {blob}
    while waiting:
        read = waiting.pop()
        for layer in net.consumers.get(read, ()):
            found += _wanted(layer, [i for i, b in enumerate(layer.bottoms) if b is read])
            kind = catalog.find(layer.type)
            if kind is not None and kind.role == "shape":
                waiting += [top for top in layer.tops if top not in seen]
                seen.update(layer.tops)
    return min(found, key=lambda values: _STRICTEST_FIRST.index(values.kind))


def _wanted(layer: Layer, indices: Sequence[int]) -> list[Values]:
    kind = catalog.find(layer.type)
    if kind is None:
        return []
    examples = [example.inputs for example in kind.examples]
    # The same bottom may mean something else where there are more of them.
    alike = [inputs for inputs in examples if len(inputs) == len(layer.bottoms)]
    return [inputs[i] for inputs in alike or examples for i in indices if i < len(inputs)]
