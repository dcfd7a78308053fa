"""Prior boxes."""

from math import sqrt
from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer

_MAP, _IMAGE = (2, 4, 3, 5), (2, 3, 60, 100)
_ALIKE = 1e-6
"""Ratios that differ by less are one."""


@layer("PriorBox", param="prior_box_param", role="detection")
class PriorBox(LayerType):
    """Lay boxes of given sizes around every cell of a feature map.

    Bottoms: the feature map (N, C, H, W), of which only the size counts, and the image. The top is
    (1, 2, 4 H W P) with P boxes per cell, whatever N is: row 0 holds the corners x1, y1, x2, y2 of
    all boxes as fractions of the image, cell by cell; row 1 their variances.

    Per cell there are, for each `min_size` in turn, a square of that side in pixels; with
    `max_size` (none, or one per `min_size`, and larger) a square of side sqrt(min max); then for
    each `aspect_ratio` r other than 1 a box min sqrt(r) wide and min / sqrt(r) high, followed with
    `flip` (true) by the one of ratio 1 / r. A ratio that is there already is skipped.

    The centre of cell (i, j) is ((j + offset) step, (i + offset) step), with `offset` 0.5. `step`,
    or `step_h` and `step_w`, is the image's size over the map's where it is not given; the image's
    size is that of the second bottom, or `img_size`, or `img_h` and `img_w`. `variance` is given
    once for all coordinates or four times (unset: 0.1), and only copied. `clip` (false) cuts the
    boxes at the edges of the image.

    Easy to get wrong: sizes are cut to whole pixels before use, 30.9 to 30. A given `step` that is
    not image over map moves the boxes of the last cells past the image's edge, or leaves a margin.

    Forks: a type of SSD (Liu et al., SSD: Single Shot MultiBox Detector, 2016).
    """

    bottoms = 2
    no_grad_bottoms = (0, 1)
    examples = (
        Example("prior_box_param { min_size: 10 }", [_MAP, _IMAGE], [(1, 2, 60)]),
        Example(
            "prior_box_param { min_size: 10.9 max_size: 20 aspect_ratio: 2 aspect_ratio: 3 "
            "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 }",
            [_MAP, _IMAGE],
            [(1, 2, 360)],
        ),
        Example(
            "prior_box_param { min_size: 8 min_size: 16 max_size: 16 max_size: 30 aspect_ratio: 2 "
            "aspect_ratio: 0.5 aspect_ratio: 1 flip: false clip: true variance: 0.2 }",
            [_MAP, _IMAGE],
            [(1, 2, 480)],
        ),
        Example(
            "prior_box_param { min_size: 12 img_size: 64 step: 16 offset: 0.3 }",
            [_MAP, _IMAGE],
            [(1, 2, 60)],
        ),
        Example(
            "prior_box_param { min_size: 12 img_h: 50 img_w: 90 step_h: 16 step_w: 18 }",
            [_MAP, _IMAGE],
            [(1, 2, 60)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """Two rows, with four numbers per box."""
        for i, shape in enumerate(n.ins):
            if len(shape) != 4 or not all(shape[2:]):
                n.mismatch(f"bottom[{i}]", f"PriorBox takes (N, C, H, W), not {shape}")
        with n.collect():
            _check_sizes(n)
            for i, ratio in enumerate(n.p.aspect_ratio):
                if not ratio > 0:
                    n.fault(f"aspect_ratio[{i}]", f"`aspect_ratio` must be above 0, not {ratio:g}")
            if len(n.p.variance) not in (0, 1, 4):
                text = f"`variance` is given {len(n.p.variance)} times; give it once or four times"
                n.fault("variance", text)
            for i, variance in enumerate(n.p.variance):
                if not variance > 0:
                    n.fault(f"variance[{i}]", f"`variance` must be above 0, not {variance:g}")
            _pair(n, "img_size", "img_h", "img_w")
            _pair(n, "step", "step_h", "step_w")
        return Signature([(1, 2, 4 * count(n.ins[0], 2) * len(_boxes(n)))])

    def cost(self, n: Instance) -> Cost:
        """A sum and a quotient per coordinate; two comparisons with `clip`."""
        coordinates = 4 * count(n.ins[0], 2) * len(_boxes(n))
        return Cost(other=coordinates * (4 if n.p.clip else 2))

    def torch(self, n: Instance, t: Any) -> Any:
        """The boxes of a cell from here, their places from the size of the inputs."""
        return t.ops.PriorBox(
            _boxes(n),
            tuple(n.p.variance) or (0.1,),
            image=_pair(n, "img_size", "img_h", "img_w"),
            step=_pair(n, "step", "step_h", "step_w"),
            offset=n.p.offset,
            clip=n.p.clip,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """A constant."""
        rows, columns = n.ins[0][2:]
        height, width = _pair(n, "img_size", "img_h", "img_w") or n.ins[1][2:]
        step_h, step_w = _pair(n, "step", "step_h", "step_w") or (height / rows, width / columns)
        corners = [
            corner
            for y in ((i + n.p.offset) * step_h for i in range(rows))
            for x in ((j + n.p.offset) * step_w for j in range(columns))
            for w, h in _boxes(n)
            for corner in (
                (x - w / 2) / width,
                (y - h / 2) / height,
                (x + w / 2) / width,
                (y + h / 2) / height,
            )
        ]
        if n.p.clip:
            corners = [min(max(corner, 0.0), 1.0) for corner in corners]
        variances = list(n.p.variance) or [0.1]
        return g.constant([[corners, variances * (len(corners) // len(variances))]])


def _check_sizes(n: Instance) -> None:
    p = n.p
    if not p.min_size:
        n.fault("min_size", "PriorBox needs `min_size`, once or several times", "missing-field")
    for name in ("min_size", "max_size"):
        for i, size in enumerate(getattr(p, name)):
            if not 1 <= size < 2**31:
                text = f"`{name}` must be at least 1 pixel and below 2^31, not {size:g}"
                n.fault(f"{name}[{i}]", text)
    if p.max_size and len(p.max_size) != len(p.min_size):
        text = f"`max_size` is given {len(p.max_size)} times for {len(p.min_size)} `min_size`"
        n.fault("max_size", f"{text}; give one each, or none", because=("min_size",))
        return
    for i, (least, most) in enumerate(zip(p.min_size, p.max_size, strict=False)):
        if not most > least:
            text = f"`max_size` must be above its `min_size` {least:g}, not {most:g}"
            n.fault(f"max_size[{i}]", text, because=(f"min_size[{i}]",))


def _pair(n: Instance, both: str, rows: str, columns: str) -> tuple[float, float] | None:
    """Read a size that is given for both axes at once, or for rows and columns apart, or not."""
    p = n.p
    apart = [name for name in (rows, columns) if p.HasField(name)]
    given = [both] if p.HasField(both) else []
    for name in (*given, *apart):
        if not getattr(p, name) > 0:
            n.fault(name, f"`{name}` must be above 0, not {getattr(p, name):g}")
    if given and apart:
        n.fault(apart[0], f"give `{both}` or `{rows}` and `{columns}`, not both", because=(both,))
    elif len(apart) == 1:
        missing = columns if apart[0] == rows else rows
        n.fault(apart[0], f"`{apart[0]}` is given, but `{missing}` is missing")
    if apart:
        return getattr(p, rows), getattr(p, columns)
    return (getattr(p, both),) * 2 if given else None


def _boxes(n: Instance) -> list[tuple[float, float]]:
    """Return width and height of the boxes of one cell, in pixels."""
    ratios = [1.0]
    for ratio in n.p.aspect_ratio:
        if all(abs(ratio - known) >= _ALIKE for known in ratios):
            ratios += [ratio, 1 / ratio] if n.p.flip else [ratio]
    boxes: list[tuple[float, float]] = []
    for i, size in enumerate(map(int, n.p.min_size)):
        sides = [size, sqrt(size * int(n.p.max_size[i]))] if n.p.max_size else [size]
        boxes += [(side, side) for side in sides]
        boxes += [(size * sqrt(ratio), size / sqrt(ratio)) for ratio in ratios[1:]]
    return boxes
