"""What poolings over regions of interest share: their second bottom, and how ONNX rounds it."""

from typing import Any

from netdef.contract.instance import Instance
from netdef.contract.shapes import count

_VALUES = 5
"""Image, x1, y1, x2, y2."""


def check_regions(n: Instance) -> None:
    """Fault bottoms that are not (N, C, H, W) and regions (R, 5)."""
    x, regions = n.ins
    with n.collect():
        if len(x) != 4:
            text = f"{n.type} takes (N, C, H, W), not {len(x)} axes"
            n.fault("bottom[0]", text, "shape-mismatch")
        if not regions or count(regions, 1) != _VALUES:
            text = f"the regions must be (R, 5): image, x1, y1, x2, y2; not {regions}"
            n.fault("bottom[1]", text, "shape-mismatch")


def region_sides(g: Any, x: Any, regions: Any) -> tuple[Any, Any, Any]:
    """Return the images (R, 1), and first and last pixel along rows and along columns.

    An image that is not there becomes the nearest, as in torch: there it could end the program.
    """
    flat = g.op("Reshape", regions, g.constant([-1, _VALUES]))
    image, *sides = g.op("Split", flat, outputs=_VALUES, axis=1)
    left, top, right, bottom = sides
    last = g.op("Sub", g.op("Shape", x, start=0, end=1), g.constant([1]))
    image = g.op("Min", g.op("Max", image, g.constant(0.0)), g.op("Cast", last, to=_FLOAT))
    return image, (top, bottom), (left, right)


def rounded(g: Any, value: Any) -> Any:
    """Round to whole numbers, halves away from zero (ONNX rounds them to even ones)."""
    size = g.op("Abs", value)
    whole = g.op("Floor", size)
    up = g.op("GreaterOrEqual", g.op("Sub", size, whole), g.constant(0.5))
    return g.op("Mul", g.op("Add", whole, g.op("Cast", up, to=_FLOAT)), g.op("Sign", value))


def region_bins(g: Any, length: Any, bins: int) -> tuple[Any, Any]:
    """Return begins and ends of a region's bins as distances from its begin, (R, bins) each."""
    place = [float(i) for i in range(bins)]
    size = g.op("Div", length, g.constant(float(bins)))
    ends = g.op("Mul", size, g.constant([[i + 1 for i in place]]))
    return g.op("Mul", size, g.constant([place])), ends


def clipped(g: Any, edge: Any, size: int) -> Any:
    """Return an edge cut to a map of `size` cells."""
    return g.op("Clip", edge, g.constant(0.0), g.constant(float(size)))


_FLOAT = 1
"""TensorProto.FLOAT."""
