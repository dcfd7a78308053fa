"""Spatial pyramid pooling."""

from typing import Any, NamedTuple

from netdef.contract import Cost, Example, Instance, Labels, LayerType, Signature, count, layer

_MAX, _AVE, _STOCHASTIC = 0, 1, 2


@layer("SPP", param="spp_param", role="pooling")
class SPP(LayerType):
    """Pool planes of any size into a vector of fixed length, in finer and finer bins.

    (N, C, H, W) becomes (N, C (1 + 4 + 16 + ...)): level l of the pyramid, of `pyramid_height`
    levels from 0 on, cuts the plane into 2^l x 2^l bins and pools each to one value; the levels
    follow each other, each with its values in the order C, row, column. With `pyramid_height: 1`
    the top is (N, C, 1, 1). For rows (columns likewise), a bin of level l is

        k = ceil(H / 2^l) rows, with floor((2^l k - H + 1) / 2) rows of padding above the first

    and the padding must be less than a bin, which bounds the height. `pool` says what a bin gives:

    - MAX (the default): its largest value; padding does not count.
    - AVE: its sum divided by its full area, with the padding in it.
    - STOCHASTIC: in TRAIN one of its values, drawn in proportion to it; in TEST the mean of the
      values weighted by themselves. For values that are not negative; where no level needs padding.

    Easy to get wrong: windows come from the size of the input, so that a size for which a level
    fits is no promise for the next larger one.

    He et al., Spatial Pyramid Pooling in Deep Convolutional Networks for Visual Recognition, 2014.
    """

    examples = (
        Example("spp_param { pyramid_height: 3 }", [(2, 3, 8, 9)], [(2, 63)]),
        Example("spp_param { pyramid_height: 2 pool: AVE }", [(2, 3, 9, 13)], [(2, 15)]),
        Example("spp_param { pyramid_height: 1 }", [(2, 3, 4, 5)], [(2, 3, 1, 1)]),
        Example(
            "spp_param { pyramid_height: 2 pool: STOCHASTIC }",
            [Labels(2, 3, 4, 6, below=9)],
            [(2, 15)],
        ),
        Example(
            "spp_param { pyramid_height: 2 pool: STOCHASTIC }",
            [Labels(2, 3, 4, 6, below=9)],
            [(2, 15)],
            phase="TRAIN",
            random=True,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        shape = n.ins[0]
        if len(shape) != 4 or not (shape[2] and shape[3]):
            n.mismatch("bottom[0]", f"SPP takes (N, C, H, W) with H, W > 0, not {shape}")
        height = n.p.pyramid_height
        if height < 1:
            if not n.p.HasField("pyramid_height"):
                n.fault("pyramid_height", "SPP needs `pyramid_height`", rule="missing-field")
            n.fault("pyramid_height", "`pyramid_height` must be at least 1, not 0")
        for level in range(height):  # ends soon: a level with more bins than rows does not fit
            _check_level(n, level)
        if height == 1:
            return Signature([(*shape[:2], 1, 1)])
        return Signature([(shape[0], shape[1] * sum(4**level for level in range(height)))])

    def cost(self, n: Instance) -> Cost:
        """An addition or comparison per value of every bin; STOCHASTIC takes two."""
        levels = [_level(n, level) for level in range(n.p.pyramid_height)]
        places = sum(rows.padded * columns.padded for rows, columns in levels)
        passes = 2 if n.p.pool == _STOCHASTIC else 1
        return Cost(other=count(n.ins[0][:2]) * places * passes)

    def torch(self, n: Instance, t: Any) -> Any:
        method = {_MAX: "max", _AVE: "ave", _STOCHASTIC: "stochastic"}[n.p.pool]
        if n.p.pool == _STOCHASTIC and n.training:
            method = "draw"
        return t.ops.SPP(n.p.pyramid_height, method)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """A MaxPool or AveragePool per level, then Flatten and Concat."""
        if n.p.pool == _STOCHASTIC and n.training:
            n.unsupported("STOCHASTIC pooling draws at random in TRAIN")
        x, levels = ins[0], []
        for level in range(n.p.pyramid_height):
            sides = _level(n, level)
            attributes = {
                "kernel_shape": [side.bin for side in sides],
                "strides": [side.bin for side in sides],
                "pads": [*(side.start for side in sides), *(side.end for side in sides)],
            }
            if n.p.pool == _MAX:
                levels.append(g.op("MaxPool", x, **attributes))
                continue
            mean = g.op("AveragePool", x, count_include_pad=1, **attributes)
            if n.p.pool == _STOCHASTIC:
                squares = g.op("AveragePool", g.op("Mul", x, x), **attributes)
                zero, some = g.constant(0.0), g.op("Greater", mean, g.constant(0.0))
                safe = g.op("Where", some, mean, g.constant(1.0))
                mean = g.op("Where", some, g.op("Div", squares, safe), zero)
            levels.append(mean)
        if len(levels) == 1:
            return levels[0]
        return g.op("Concat", *(g.op("Flatten", bins, axis=1) for bins in levels), axis=1)


class _Side(NamedTuple):
    """The bins of a level along the rows or the columns."""

    bin: int
    start: int
    end: int
    padded: int


def _level(n: Instance, level: int) -> tuple[_Side, _Side]:
    bins = 2**level

    def side(extent: int) -> _Side:
        size = -(-extent // bins)
        padded = bins * size
        start = (padded - extent + 1) // 2
        return _Side(size, start, padded - extent - start, padded)

    return side(n.ins[0][2]), side(n.ins[0][3])


def _check_level(n: Instance, level: int) -> None:
    sides = _level(n, level)
    for what, side, extent in zip(("rows", "columns"), sides, n.ins[0][2:], strict=True):
        if side.start >= side.bin:
            text = f"level {level} cuts {extent} {what} into {2**level} bins of {side.bin}, with"
            note = "padding must be less than a bin: lower the pyramid, or give a larger input"
            n.fault("pyramid_height", f"{text} padding of {side.start}", note=note, bottom=0)
        if side.start and n.p.pool == _STOCHASTIC:
            text = f"STOCHASTIC pooling takes no padding, but level {level} needs some for the"
            n.fault("pool", f"{text} {extent} {what}", bottom=0, because=("pyramid_height",))
