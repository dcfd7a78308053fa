"""Pooling over regions of interest."""

from typing import Any, NamedTuple

from netdef.contract import Cost, Example, Instance, LayerType, Rois, Signature, count, layer
from netdef.contract.regions import check_regions, clipped, region_bins, region_sides, rounded

_LOWEST = -3.4028234663852886e38
"""-FLT_MAX."""
_INT64 = 7
"""TensorProto.INT64."""


@layer("ROIPooling", param="roi_pooling_param", role="pooling")
class ROIPooling(LayerType):
    """Reduce every region of an image to a fixed grid of maxima.

    Bottoms: a feature map (N, C, H, W), and regions (R, 5) with rows [image, x1, y1, x2, y2]: which
    of the N images, then the first and last pixel in the coordinates of the input image. The top is
    (R, C, `pooled_h`, `pooled_w`).

    The corners are multiplied by `spatial_scale` (1; cells per pixel, 0.0625 = 1/16 behind four
    poolings) and rounded to cells. The region with both its ends, x2 - x1 + 1 cells and at least
    one, is cut into `pooled_w` bins, of which bin j reaches

        from floor(j width / pooled_w) up to ceil((j + 1) width / pooled_w)

    so that neighbours overlap where the cells cannot be shared out; rows likewise. Cells outside
    the map do not count; a bin without cells gives 0. The first of equal maxima, row by row, gets
    the gradient; the regions get none. An image that is not there stands for the nearest.

    Easy to get wrong: halves are rounded away from zero, and the last cell belongs to the region.

    Forks: a type of Fast R-CNN (Girshick, Fast R-CNN, 2015), also in Faster R-CNN's and R-FCN's.
    """

    bottoms = 2
    no_grad_bottoms = (1,)
    examples = (
        Example(
            "roi_pooling_param { pooled_h: 3 pooled_w: 2 }",
            [(2, 3, 9, 12), Rois(4, images=2, size=9)],
            [(4, 3, 3, 2)],
        ),
        Example(
            "roi_pooling_param { pooled_h: 7 pooled_w: 7 spatial_scale: 0.0625 }",
            [(2, 2, 9, 12), Rois(6, images=2, size=200)],
            [(6, 2, 7, 7)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """A grid per region."""
        check_regions(n)
        with n.collect():
            for name in ("pooled_h", "pooled_w"):
                if getattr(n.p, name) < 1:
                    n.fault(name, f"ROIPooling needs `{name}`, at least 1", "missing-field")
            if not n.p.spatial_scale > 0:
                text = f"`spatial_scale` must be above 0, not {n.p.spatial_scale:g}"
                n.fault("spatial_scale", text)
        return Signature([(n.ins[1][0], n.ins[0][1], n.p.pooled_h, n.p.pooled_w)])

    def cost(self, n: Instance) -> Cost:
        """A comparison per cell of every region, as if each were the whole map."""
        return Cost(other=n.ins[1][0] * count(n.ins[0], 1))

    def torch(self, n: Instance, t: Any) -> Any:
        """Poolings of the whole map that all bins are put together from."""
        return t.ops.ROIPooling((n.p.pooled_h, n.p.pooled_w), n.p.spatial_scale)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """A Scan over the regions: onnxruntime has no MaxRoiPool of the newest opset."""
        x, regions = ins
        # A Scan needs something to run over, so there is one region more than is given.
        regions = g.op("Reshape", regions, g.constant([-1, 5]))
        regions = g.op("Pad", regions, g.constant([0, 0, 1, 0]))
        image, *sides = region_sides(g, x, regions)
        sizes, bins = n.ins[0][2:], (n.p.pooled_h, n.p.pooled_w)
        edges = [
            edge
            for side, size, number in zip(sides, sizes, bins, strict=True)
            for edge in _edges(g, side, n.p.spatial_scale, number, size)
        ]

        def pool(b: Any, states: Any, items: Any) -> Any:
            index = b.op("Cast", items[0], to=_INT64)
            plane = b.op("Squeeze", b.op("Gather", x, index, axis=0), b.constant([0]))
            rows, columns = _Bins(*items[1:3]), _Bins(*items[3:5])
            spans = [rows.span(b, sizes[0]), columns.span(b, sizes[1])]
            bounds = (
                b.op("Cast", b.op("Concat", *ends, axis=0), to=_INT64)
                for ends in zip(*spans, strict=True)
            )
            cells = b.op("Slice", plane, *bounds, b.constant([1, 2]))
            cells = rows.maxima(b, cells, 1, spans[0])
            return [], [columns.maxima(b, cells, 2, spans[1])]

        _, (maxima,) = g.scan(pool, [], [image, *edges])
        top, bottom, left, right = edges
        rows = g.op("Unsqueeze", g.op("Greater", bottom, top), g.constant([1, 3]))
        columns = g.op("Unsqueeze", g.op("Greater", right, left), g.constant([1, 2]))
        tops = g.op("Where", g.op("And", rows, columns), maxima, g.constant(0.0))
        return g.op("Slice", tops, *(g.constant([i]) for i in (0, -1, 0)))


def _edges(g: Any, side: Any, scale: float, bins: int, size: int) -> tuple[Any, Any]:
    """Return begins and ends of the bins along an axis of `size` cells, (R, bins) each."""
    begin, end = (rounded(g, g.op("Mul", edge, g.constant(scale))) for edge in side)
    one = g.constant(1.0)
    length = g.op("Max", g.op("Add", g.op("Sub", end, begin), one), one)
    low, high = region_bins(g, length, bins)
    low = g.op("Add", g.op("Floor", low), begin)
    return clipped(g, low, size), clipped(g, g.op("Add", g.op("Ceil", high), begin), size)


class _Bins(NamedTuple):
    """Begins and ends of a region's bins along an axis, in the body of the Scan."""

    begin: Any
    end: Any

    def span(self, b: Any, size: int) -> tuple[Any, Any]:
        """Return from where to where they reach, at least one cell."""
        axes: dict[str, Any] = {"axes": [0], "keepdims": 1}
        first = b.op("Min", b.op("ReduceMin", self.begin, **axes), b.constant(size - 1.0))
        last = b.op("ReduceMax", self.end, **axes)
        return first, b.op("Max", last, b.op("Add", first, b.constant(1.0)))

    def maxima(self, b: Any, cells: Any, axis: int, span: tuple[Any, Any]) -> Any:
        """Return the bins' maxima along an axis of (C, H, W) of the cells in the span."""
        first, last = (b.op("Squeeze", end, b.constant([0])) for end in span)
        place = b.op("Range", first, last, b.constant(1.0))
        begin, end = (b.op("Unsqueeze", edge, b.constant([1])) for edge in self)
        inside = b.op("And", b.op("GreaterOrEqual", place, begin), b.op("Less", place, end))
        if axis == 1:
            inside = b.op("Unsqueeze", inside, b.constant([2]))
        spread = b.op("Unsqueeze", cells, b.constant([axis]))
        masked = b.op("Where", inside, spread, b.constant(_LOWEST))
        return b.op("ReduceMax", masked, axes=[axis + 1], keepdims=0)
