"""Position-sensitive pooling over regions of interest."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Rois, Signature, count, layer
from netdef.contract.regions import check_regions, clipped, region_bins, region_sides, rounded

_SMALLEST = 0.1
_FLOAT, _INT64, _DOUBLE = 1, 7, 11
"""TensorProto's numbers of types."""


@layer("PSROIPooling", param="psroi_pooling_param", role="pooling")
class PSROIPooling(LayerType):
    """Reduce every region of an image to a fixed grid of means, each of channels of its own.

    Bottoms: score maps (N, g g D, H, W) with g = `group_size` and D = `output_dim`, and regions
    (R, 5) with rows [image, x1, y1, x2, y2]: which of the N images, then the first and last pixel
    in the coordinates of the input image. The top is (R, D, g, g): place (i, j) of output d is the
    mean of bin (i, j) in channel (d g + i) g + j.

    With s = `spatial_scale` (cells per pixel), a region reaches from round(x1) s up to
    (round(x2) + 1) s, at least 0.1 cells. It is not rounded to cells; of its g bins along an axis
    bin j covers the cells

        from floor(x1 s + j width / g) up to ceil(x1 s + (j + 1) width / g)

    so that neighbours share a cell that both touch. Cells outside the map do not count; a bin
    without cells gives 0. The regions get no gradient. An image that is not there stands for the
    nearest. `output_dim`, `group_size` and
    `spatial_scale` have no defaults.

    Forks: a type of R-FCN (Dai et al., R-FCN: Object Detection via Region-based Fully Convolutional
    Networks, 2016).
    """

    bottoms = 2
    no_grad_bottoms = (1,)
    examples = (
        Example(
            "psroi_pooling_param { spatial_scale: 1 output_dim: 2 group_size: 3 }",
            [(2, 18, 9, 12), Rois(4, images=2, size=9)],
            [(4, 2, 3, 3)],
        ),
        Example(
            "psroi_pooling_param { spatial_scale: 0.0625 output_dim: 3 group_size: 2 }",
            [(2, 12, 9, 12), Rois(6, images=2, size=200)],
            [(6, 3, 2, 2)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """A grid per region."""
        p = n.p
        check_regions(n)
        with n.collect():
            for name in ("output_dim", "group_size"):
                if getattr(p, name) < 1:
                    rule = "bad-value" if p.HasField(name) else "missing-field"
                    n.fault(name, f"PSROIPooling needs `{name}`, at least 1", rule)
            if not p.spatial_scale > 0:
                rule = "bad-value" if p.HasField("spatial_scale") else "missing-field"
                n.fault("spatial_scale", "PSROIPooling needs `spatial_scale`, above 0", rule)
        channels, wanted = n.ins[0][1], p.output_dim * p.group_size**2
        if channels != wanted:
            text = f"{p.output_dim} outputs of {p.group_size} x {p.group_size} bins need {wanted}"
            fields = ("output_dim", "group_size")
            n.mismatch("bottom[0]", f"{text} channels, not {channels}", because=fields)
        return Signature([(n.ins[1][0], p.output_dim, p.group_size, p.group_size)])

    def cost(self, n: Instance) -> Cost:
        """Two sums per value of the maps, once for all regions; three and a quotient per bin."""
        bins = n.ins[1][0] * n.p.output_dim * n.p.group_size**2
        return Cost(other=2 * count(n.ins[0]) + 4 * bins)

    def torch(self, n: Instance, t: Any) -> Any:
        """Differences of sums from the corner on."""
        return t.ops.PSROIPooling(n.p.output_dim, n.p.group_size, n.p.spatial_scale)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Differences of sums from the corner on, in double precision."""
        x, regions = ins
        group, (height, width) = n.p.group_size, n.ins[0][2:]
        image, rows, columns = region_sides(g, x, regions)
        rows = [_whole(g, i, [1, 3]) for i in _edges(g, rows, n.p.spatial_scale, group, height)]
        columns = [
            _whole(g, i, [1, 2]) for i in _edges(g, columns, n.p.spatial_scale, group, width)
        ]
        sums = g.op("Cast", x, to=_DOUBLE)
        for axis in (2, 3):
            sums = g.op("CumSum", sums, g.constant(axis))
        sums = g.op("Pad", sums, g.constant([0, 0, 1, 1, 0, 0, 0, 0]))
        sums = g.op("Reshape", sums, g.constant([-1]))
        bins = range(group)
        channels = [
            [[(d * group + i) * group + j for j in bins] for i in bins]
            for d in range(n.p.output_dim)
        ]
        planes = g.op("Mul", _whole(g, image, [2, 3]), g.constant(n.ins[0][1]))
        planes = g.op("Add", planes, g.constant(channels))

        def total(row: Any, column: Any) -> Any:
            line = g.op("Add", g.op("Mul", planes, g.constant(height + 1)), row)
            place = g.op("Add", g.op("Mul", line, g.constant(width + 1)), column)
            return g.op("Gather", sums, place)

        whole = g.op("Sub", total(rows[1], columns[1]), total(rows[0], columns[1]))
        whole = g.op("Sub", whole, total(rows[1], columns[0]))
        whole = g.op("Add", whole, total(rows[0], columns[0]))
        zero, one = g.constant(0), g.constant(1)
        spans = (g.op("Max", g.op("Sub", end, begin), zero) for begin, end in (rows, columns))
        area = g.op("Mul", *spans)
        divisor = g.op("Cast", g.op("Max", area, one), to=_DOUBLE)
        mean = g.op("Cast", g.op("Div", whole, divisor), to=_FLOAT)
        return g.op("Where", g.op("Equal", area, zero), g.constant(0.0), mean)


def _edges(g: Any, side: Any, scale: float, bins: int, size: int) -> tuple[Any, Any]:
    """Return begins and ends of the bins along an axis of `size` cells, (R, bins) each."""
    first, last = (rounded(g, edge) for edge in side)
    begin = g.op("Mul", first, g.constant(scale))
    end = g.op("Mul", g.op("Add", last, g.constant(1.0)), g.constant(scale))
    length = g.op("Max", g.op("Sub", end, begin), g.constant(_SMALLEST))
    low, high = (g.op("Add", edge, begin) for edge in region_bins(g, length, bins))
    return clipped(g, g.op("Floor", low), size), clipped(g, g.op("Ceil", high), size)


def _whole(g: Any, values: Any, axes: list[int]) -> Any:
    """Return values as whole numbers, with new axes to make them (R, D, g, g)."""
    return g.op("Unsqueeze", g.op("Cast", values, to=_INT64), g.constant(axes))
