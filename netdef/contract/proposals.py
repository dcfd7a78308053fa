"""What the layers share that propose regions of an image from anchors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from netdef.contract.cost import Cost
from netdef.contract.fault import Problem
from netdef.contract.instance import Instance
from netdef.contract.layer_type import LayerType
from netdef.contract.shapes import count
from netdef.contract.signature import Signature

_LOWEST = -3.4028234663852886e38
"""-FLT_MAX: the score of what does not count."""
_FLOAT, _BOOL = 1, 9
"""TensorProto's numbers of types."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """The boxes around the centre of every cell, in pixels.

    Attributes:
        sizes: Width and height of each.
        center: The distance of their common centre from the cell's first pixel.
        stride: The distance of two cells.
    """

    sizes: Sequence[tuple[float, float]]
    center: float
    stride: int


def anchors(base: int, ratios: Sequence[float], scales: Sequence[float], stride: int) -> Anchors:
    """Return the anchors of py-faster-rcnn and PVANet: for every ratio, one of every scale.

    Args:
        base: Side of the square that ratio and scale start from, in pixels.
        ratios: Heights over widths; sides are rounded to whole pixels before they are scaled.
        scales: Factors on both sides.
        stride: Pixels from cell to cell.
    """
    sizes: list[tuple[float, float]] = []
    for ratio in ratios:
        width = int((base * base / ratio) ** 0.5 + 0.5)
        height = int(width * ratio + 0.5)
        sizes += [(width * scale, height * scale) for scale in scales]
    return Anchors(sizes, base / 2, stride)


class ProposalType(LayerType):
    """Base of the types that turn scores and offsets of anchors into regions.

    A type says what its anchors are. How many regions are looked at and given, and which go, is in
    the fields of a ProposalParameter.
    """

    bottoms = 3
    tops = range(1, 3)
    dynamic = True
    no_grad_bottoms = (0, 1, 2)

    numbers: ClassVar[int]
    """How many numbers of the third bottom are read."""
    removes: ClassVar[bool]
    """Whether regions that are too small go; otherwise their score becomes 0."""
    score_shape: ClassVar[tuple[int, ...]]
    """The shape of the second top without its first axis."""

    def anchors(self, n: Instance) -> Anchors:
        """Return the anchors; fault those that make no sense."""
        raise NotImplementedError

    def settings(self, n: Instance) -> Any:
        """Return the ProposalParameter, and the path that begins the names of its fields."""
        raise NotImplementedError

    def warnings(self, n: Instance) -> Sequence[Problem]:
        """Return what should be known though the layer works."""
        del n
        return ()

    def signature(self, n: Instance) -> Signature:
        """As many regions as may be left."""
        with n.collect():
            found = self.anchors(n)
            self._check_settings(n)
        self._check_shapes(n, len(found.sizes))
        rows = min(self._looked_at(n), self.settings(n)[0].post_nms_topn)
        tops = [(rows, 5), (rows, *self.score_shape)]
        return Signature(tops[: len(n.tops)], warnings=self.warnings(n))

    def cost(self, n: Instance) -> Cost:
        """Per anchor 4 for the centre, 4 for the size, 6 for corners, 8 to clip them, 6 to judge.

        The overlaps of regions are not counted: how many are computed depends on the data.
        """
        return Cost(other=count(n.ins[0]) // 2 * (4 + 4 + 6 + 8 + 6))

    def torch(self, n: Instance, t: Any) -> Any:
        """The op that all these types share."""
        found, (p, _) = self.anchors(n), self.settings(n)
        return t.ops.Proposal(
            found.sizes,
            found.center,
            found.stride,
            before=p.pre_nms_topn,
            after=p.post_nms_topn,
            threshold=p.nms_thresh,
            min_size=p.min_size,
            removes=self.removes,
            scores=self.score_shape if len(n.tops) > 1 else None,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """NonMaxSuppression of the best; there, too, the last pixel belongs to a region."""
        p, _ = self.settings(n)
        info = g.op("Reshape", ins[2], g.constant([-1]))
        score, boxes = self._regions(n, g, ins, info)
        most = g.constant([self._looked_at(n)])
        score, order = g.op("TopK", score, most, outputs=2, axis=0)
        boxes = g.op("Gather", boxes, order)
        stay = g.op(
            "NonMaxSuppression",
            g.op(
                "Unsqueeze", g.op("Add", boxes, g.constant([0.0, 0.0, 1.0, 1.0])), g.constant([0])
            ),
            g.op("Unsqueeze", score, g.constant([0, 1])),
            g.constant([p.post_nms_topn]),
            g.constant(min(p.nms_thresh, 1.0)),
            g.constant(_LOWEST),
        )
        # As a mask, because the operator does not promise an order.
        place = g.op("Squeeze", g.op("Gather", stay, g.constant([2]), axis=1), g.constant([1]))
        none = g.op("Mul", order, g.constant(0))
        ones = g.op("Expand", g.constant(1), g.op("Shape", place))
        mask = g.op("Cast", g.op("ScatterElements", none, place, ones), to=_BOOL)
        rows = g.op("Pad", g.op("Compress", boxes, mask, axis=0), g.constant([0, 1, 0, 0]))
        if len(n.tops) == 1:
            return rows
        score = g.op("Compress", score, mask, axis=0)
        return rows, g.op("Reshape", score, g.constant([-1, *self.score_shape]))

    def _regions(self, n: Instance, g: Any, ins: Any, info: Any) -> tuple[Any, Any]:
        """Return scores (K,) and corners (K, 4) of all regions."""
        found, (p, _) = self.anchors(n), self.settings(n)
        number, (rows, columns) = len(found.sizes), n.ins[0][2:]
        scores = g.op("Slice", ins[0], *(g.constant([i]) for i in (number, 2 * number, 1)))
        scores = g.op("Transpose", scores, perm=[0, 2, 3, 1])
        offsets = g.op("Transpose", ins[1], perm=[0, 2, 3, 1])
        offsets = g.op("Reshape", offsets, g.constant([rows, columns, number, 4]))
        move, grow = g.op("Split", offsets, outputs=2, axis=-1)
        size = g.constant([list(map(float, sides)) for sides in found.sizes])
        x, y = ([i * found.stride + found.center for i in range(m)] for m in (columns, rows))
        cells = g.constant([[[[j, i]] for j in x] for i in y])
        center = g.op("Add", g.op("Mul", move, size), cells)
        half = g.op("Mul", g.op("Mul", g.op("Exp", grow), size), g.constant(0.5))
        one, zero = g.constant(1.0), g.constant(0.0)
        edge = g.op("Sub", g.op("Gather", info, g.constant([1, 0])), one)
        low, high = (
            g.op("Max", g.op("Min", g.op(way, center, half), edge), zero) for way in ("Sub", "Add")
        )
        scale = g.op("Gather", info, g.constant([2, 2] if self.removes else [3, 2]))
        least = g.op("Mul", scale, g.constant(float(p.min_size)))
        large = g.op("GreaterOrEqual", g.op("Add", g.op("Sub", high, low), one), least)
        large = g.op("ReduceMin", g.op("Cast", large, to=_FLOAT), axes=[3], keepdims=0)
        if self.removes:
            scores = g.op("Where", g.op("Cast", large, to=_BOOL), scores, g.constant(_LOWEST))
        else:
            scores = g.op("Mul", scores, large)
        boxes = g.op("Concat", low, high, axis=-1)
        return (
            g.op("Reshape", scores, g.constant([-1])),
            g.op("Reshape", boxes, g.constant([-1, 4])),
        )

    def _looked_at(self, n: Instance) -> int:
        return min(self.settings(n)[0].pre_nms_topn, count(n.ins[0]) // 2)

    def _check_settings(self, n: Instance) -> None:
        p, path = self.settings(n)
        for name in ("pre_nms_topn", "post_nms_topn"):
            if getattr(p, name) < 1:
                n.fault(path + name, f"`{name}` must be at least 1")
        if not p.nms_thresh >= 0:
            text = f"`nms_thresh` must be at least 0, not {p.nms_thresh:g}"
            n.fault(f"{path}nms_thresh", text)

    def _check_shapes(self, n: Instance, number: int) -> None:
        scores, offsets, info = n.ins
        fields = ("ratio", "scale", "param_str")
        if len(scores) != 4 or scores[0] != 1:
            n.mismatch("bottom[0]", f"{n.type} takes the scores of one image (1, 2 A, H, W)")
        for i, (shape, each) in enumerate(((scores, 2), (offsets, 4))):
            wanted = (1, each * number, *scores[2:])
            if shape != wanted:
                text = f"{number} anchors need {wanted}, not {shape}"
                n.mismatch(f"bottom[{i}]", text, because=fields)
        if info[:1] != (1,) or count(info) < self.numbers:
            text = f"the image's sizes and scales must be (1, {self.numbers}), not {info}"
            n.mismatch("bottom[2]", text)
