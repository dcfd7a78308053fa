"""Inputs to try a net with."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from netdef import catalog
from netdef.contract import Values
from netdef.ir import Blob, Layer, Net, Shape

_IMAGE_AXES, _CORNERS = 4, 2


def random_feed(net: Net, shapes: Mapping[str, Shape], seed: int = 0) -> dict[str, Any]:
    """Return random inputs, such as the layers that read them can read.

    That is what the examples of these layers' types say: regions lie inside the image, and the
    sizes of the image are its own. Labels and markers are the other inputs that only such bottoms
    read as get no gradient: they are zeros and ones, and their first row is zero where there are
    several: it begins a sequence, whatever ran before. All else is of a normal distribution.

    Args:
        net: A typed net.
        shapes: Shapes of the inputs by name.
        seed: Of the generator.
    """
    generator = np.random.default_rng(seed)
    whole = {blob.name for blob in _whole_numbers(net)}
    inputs = {blob.name: blob for layer in net.layers if layer.source for blob in layer.tops}
    images = [shape for shape in shapes.values() if len(shape) == _IMAGE_AXES]
    image = max(images, key=lambda shape: shape[2] * shape[3], default=None)
    feed: dict[str, Any] = {}
    for name, shape in shapes.items():
        values = _example_of(net, inputs[name]) if name in inputs else None
        if values is not None and values.of_image:
            sizes = (*image[2:], *values.given[2:]) if image else values.given
            feed[name] = np.resize(np.asarray(sizes, np.float32), shape)
        elif values is not None and values.kind == "rois":
            count, *size = (image[0], *image[2:]) if image else divmod(values.below, 10_000)
            feed[name] = _regions(generator, shape, count, (size[0], size[-1]))
        elif name in whole:
            feed[name] = np.asarray(generator.integers(0, 2, shape), np.float32)
            if shape and shape[0] > 1:
                feed[name][0] = 0.0
        else:
            feed[name] = np.asarray(generator.standard_normal(shape, np.float32))
    return feed


def _regions(
    generator: np.random.Generator, shape: Shape, images: int, size: tuple[int, int]
) -> Any:
    """Return rows [image, x1, y1, x2, y2] inside images of `size` (rows, columns)."""
    last = np.array(size[::-1]) - 1
    corners = np.sort(generator.uniform(0, 1, (shape[0], _CORNERS, 2)), axis=1) * last
    image = generator.integers(0, images, (shape[0], 1))
    return np.concatenate([image, corners.reshape(-1, 4)], 1).astype(np.float32).reshape(shape)


def _example_of(net: Net, blob: Blob) -> Values | None:
    """Return what the examples of the blob's first reader say of such a bottom."""
    for layer in net.consumers[blob][:1]:
        kind = catalog.find(layer.type)
        place = layer.bottoms.index(blob)
        for example in kind.examples if kind else ():
            if len(example.inputs) == len(layer.bottoms):
                return example.inputs[place]
    return None


def _whole_numbers(net: Net) -> set[Blob]:
    """Return the blobs that are read as labels or markers only, also by way of a reshaping."""
    whole: set[Blob] = set()
    for layer in reversed(net.layers):
        for blob in layer.tops:
            readers = net.consumers[blob]
            if readers and all(_reads_whole(reader, blob, whole) for reader in readers):
                whole.add(blob)
    return whole


def _reads_whole(layer: Layer, blob: Blob, whole: set[Blob]) -> bool:
    kind = catalog.find(layer.type)
    if kind is None:
        return False
    count = len(layer.bottoms)
    places = {i for i, bottom in enumerate(layer.bottoms) if bottom is blob}
    if places <= {i % count for i in kind.no_grad_bottoms}:
        return True
    return kind.role == "shape" and whole.issuperset(layer.tops)
