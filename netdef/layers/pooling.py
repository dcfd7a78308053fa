"""Pooling."""

from math import inf
from typing import Any, NamedTuple

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Labels,
    LayerType,
    Signature,
    Window,
    count,
    layer,
    pooled_size,
)
from netdef.ir import Shape

_MAX, _AVE, _STOCHASTIC = 0, 1, 2
_FLOOR = 1
_LOWEST = -3.4028234663852886e38
"""-FLT_MAX: the maximum of nothing."""


@layer("Pooling", param="pooling_param", role="pooling")
class Pooling(LayerType):
    """Reduce every window of a plane to one value.

    (N, C, H, W) becomes (N, C, H', W') with, for rows and for columns,

        H' = ceil((H + 2 pad - kernel_size) / stride) + 1

    rounded down with `round_mode: FLOOR` or, as forks write it, `ceil_mode: false`. `kernel_size`,
    `stride` (1) and `pad` (0) hold for both axes, or are given as `kernel_h` and `kernel_w`, and so
    on. `global_pooling` takes the whole plane instead of a window.

    - MAX (the default): the largest value; padding does not count. A second top gets its index in
      the H x W plane. Of equal values the first wins, and gets the gradient.
    - AVE: the sum over the window's area.
    - STOCHASTIC: in TRAIN one of the values, drawn in proportion to it; in TEST the mean of the
      values weighted by themselves. For values that are not negative; without padding.

    Easy to get wrong:

    - The size is rounded up, so that the last window may reach past the input. Only if there is
      padding (on either axis), a last window that would begin behind the input is dropped.
    - AVE divides by the area up to the end of the padding: padding counts, what lies behind does
      not.
    - With a stride larger than the window and no padding, the last window can lie wholly behind the
      input: MAX then gives -3.4e38 (index -1), AVE 0 / 0.
    """

    tops = range(1, 3)
    examples = (
        Example("pooling_param { kernel_size: 2 stride: 2 }", [(2, 3, 7, 9)], [(2, 3, 4, 5)]),
        Example("pooling_param { kernel_size: 3 stride: 2 }", [(2, 3, 8, 5)], [(2, 3, 4, 2)]),
        Example(
            "pooling_param { kernel_size: 3 stride: 2 pad: 2 }", [(2, 3, 7, 8)], [(2, 3, 5, 5)]
        ),
        Example(
            "pooling_param { kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1 }",
            [(1, 2, 7, 9)],
            [(1, 2, 4, 9)],
        ),
        Example(
            "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }",
            [(2, 3, 8, 5)],
            [(2, 3, 3, 2)],
        ),
        Example("pooling_param { kernel_size: 3 stride: 2 }", [(2, 3, 7, 8)], [(2, 3, 3, 4)] * 2),
        Example(
            "pooling_param { kernel_size: 3 stride: 2 pad: 1 }", [(2, 2, 6, 8)], [(2, 2, 4, 5)] * 2
        ),
        Example("pooling_param { global_pooling: true }", [(2, 3, 4, 5)], [(2, 3, 1, 1)]),
        Example("pooling_param { global_pooling: true }", [(2, 3, 4, 5)], [(2, 3, 1, 1)] * 2),
        Example(
            "pooling_param { pool: AVE kernel_size: 3 stride: 2 }", [(1, 2, 8, 5)], [(1, 2, 4, 2)]
        ),
        Example(
            "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }",
            [(2, 3, 8, 7)],
            [(2, 3, 5, 4)],
        ),
        Example(
            "pooling_param { pool: AVE kernel_size: 2 stride: 3 pad: 1 }",
            [(2, 3, 7, 9)],
            [(2, 3, 3, 4)],
        ),
        Example(
            "pooling_param { pool: AVE kernel_size: 4 stride: 3 pad: 3 }",
            [(1, 3, 8, 6)],
            [(1, 3, 4, 3)],
        ),
        Example(
            "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 ceil_mode: false }",
            [(2, 3, 8, 7)],
            [(2, 3, 4, 4)],
        ),
        Example("pooling_param { pool: AVE global_pooling: true }", [(2, 3, 4, 5)], [(2, 3, 1, 1)]),
        Example(
            "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }",
            [Labels(2, 3, 8, 7, below=9)],
            [(2, 3, 4, 3)],
        ),
        Example(
            "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
            [Labels(2, 3, 5, 6, below=9)],
            [(2, 3, 3, 3)],
            phase="TRAIN",
            random=True,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        shape = n.ins[0]
        if len(shape) != 4:
            n.mismatch("bottom[0]", f"Pooling takes (N, C, H, W), not {len(shape)} axes")
        with n.collect():
            window = _window(n)
            _check_method(n, window)
            floor = _floor(n)
        axes = _axes(n, window, floor)
        for what, axis in zip(("rows", "columns"), axes, strict=True):
            if axis.size < 1:
                text = f"a window of {axis.kernel} {what} does not fit into {axis.extent}"
                n.mismatch("bottom[0]", f"{text} with padding {axis.pad}")
        return Signature([(*shape[:2], *(axis.size for axis in axes))] * len(n.tops))

    def cost(self, n: Instance) -> Cost:
        """An addition or comparison per value of every window; STOCHASTIC takes two."""
        window = _window(n)
        rows, columns = _axes(n, window, _floor(n))
        outputs = count(n.ins[0][:2]) * rows.size * columns.size
        passes = 2 if n.p.pool == _STOCHASTIC else 1
        return Cost(other=outputs * count(window.kernel) * passes)

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's own poolings wherever their windows are these for every size of input."""
        p, window, floor = n.p, _window(n), _floor(n)
        mask = len(n.tops) > 1
        method = {_MAX: "max", _AVE: "ave", _STOCHASTIC: "stochastic"}[p.pool]
        if p.pool == _STOCHASTIC and n.training:
            method = "draw"
        if p.global_pooling:
            if p.pool == _AVE:
                return t.nn.AdaptiveAvgPool2d(1)
            return t.ops.Pooling(method, None, mask=mask)
        sizes = (window.kernel, window.stride, window.pad)
        if p.pool == _MAX and not mask and _like_torch(window, floor):
            return t.nn.MaxPool2d(*sizes, ceil_mode=not floor)
        if p.pool == _AVE and _like_torch(window, floor):
            return t.nn.AvgPool2d(*sizes, ceil_mode=not floor)
        return t.ops.Pooling(method, *sizes, floor=floor, mask=mask)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """MaxPool or AveragePool, rounding down behind the padding that makes the same windows."""
        p, x = n.p, ins[0]
        if p.pool == _STOCHASTIC and n.training:
            n.unsupported("STOCHASTIC pooling draws at random in TRAIN")
        mask = len(n.tops) > 1
        if p.global_pooling and p.pool != _STOCHASTIC and not mask:
            return g.op("GlobalMaxPool" if p.pool == _MAX else "GlobalAveragePool", x)
        axes = _axes(n, _window(n), _floor(n))
        if p.pool == _MAX:
            return _max(g, x, axes, mask)
        mean = _mean(g, x, axes)
        if p.pool == _AVE:
            factors = _corrections(axes)
            return g.op("Mul", mean, g.constant(factors)) if factors else mean
        squares = _mean(g, g.op("Mul", x, x), axes)
        zero, one = g.constant(0.0), g.constant(1.0)
        some = g.op("Greater", mean, zero)
        return g.op("Where", some, g.op("Div", squares, g.op("Where", some, mean, one)), zero)

    def window(self, n: Instance) -> Window:
        return _window(n)


class _Axis(NamedTuple):
    """The windows along the rows or the columns."""

    extent: int
    kernel: int
    stride: int
    pad: int
    size: int

    @property
    def blind(self) -> int:
        """How many windows lie behind the input: the last one, or none."""
        return int((self.size - 1) * self.stride - self.pad >= self.extent)

    @property
    def end(self) -> int:
        """Padding behind the input with which the other windows fit in."""
        last = (self.size - self.blind - 1) * self.stride + self.kernel
        return max(last - self.extent - self.pad, 0)

    @property
    def spans(self) -> list[int]:
        """How much of each window lies before the end of the padding asked for."""
        last = self.extent + 2 * self.pad
        return [min(self.kernel, last - i * self.stride) for i in range(self.size)]


def _window(n: Instance) -> Window:
    p, ones = n.p, (1, 1)
    if p.global_pooling:
        for field in ("kernel_size", "kernel_h", "kernel_w"):
            if p.HasField(field):
                n.fault(field, "`global_pooling` takes the whole input: leave out the kernel")
        window = Window(
            n.ins[0][2:], _pair(n, "stride", "stride", 1, 1), _pair(n, "pad", "pad", 0, 0), ones
        )
        if window.stride != ones or any(window.pad):
            n.fault("global_pooling", "`global_pooling` goes with `stride: 1` and `pad: 0` only")
        return window
    return Window(
        _pair(n, "kernel_size", "kernel", None, 1),
        _pair(n, "stride", "stride", 1, 1),
        _pair(n, "pad", "pad", 0, 0),
        ones,
    )


def _pair(n: Instance, name: str, stem: str, default: int | None, least: int) -> Shape:
    """Read a size given for both axes, or for rows and columns apart."""
    p, apart = n.p, (f"{stem}_h", f"{stem}_w")
    given = [field for field in apart if p.HasField(field)]
    fallback = (least, least)
    if not given and not p.HasField(name):
        if default is None:
            text = f"Pooling needs `{name}`, `{apart[0]}` and `{apart[1]}`, or `global_pooling`"
            n.fault(name, text, rule="missing-field")
            return fallback
        return (default, default)
    if given and p.HasField(name):
        n.fault(name, f"give `{name}` or `{apart[0]}` and `{apart[1]}`, not both")
        return fallback
    if len(given) == 1:
        missing = apart[1 - apart.index(given[0])]
        n.fault(given[0], f"`{given[0]}` is given, but `{missing}` is missing")
        return fallback
    fields = given or [name, name]
    for field in dict.fromkeys(fields):
        if getattr(p, field) < least:
            n.fault(field, f"`{field}` must be at least {least}, not {getattr(p, field)}")
            return fallback
    return getattr(p, fields[0]), getattr(p, fields[1])


def _check_method(n: Instance, window: Window) -> None:
    if any(window.pad) and n.p.pool == _STOCHASTIC:
        n.fault("pad", "STOCHASTIC pooling takes no padding")
    for axis, pad, kernel in zip("hw", window.pad, window.kernel, strict=True):
        if pad and pad >= kernel and not n.p.global_pooling:
            field = f"pad_{axis}" if n.p.HasField("pad_h") else "pad"
            n.fault(field, f"the padding {pad} must be smaller than the window's {kernel}")
            return
    if len(n.tops) > 1 and n.p.pool != _MAX:
        n.fault("top[1]", "only MAX pooling has a second top, the indices", rule="top-count")


def _floor(n: Instance) -> bool:
    """Whether the number of windows is rounded down."""
    p = n.p
    by_fork = p.HasField("ceil_mode") and not p.ceil_mode
    if p.HasField("ceil_mode") and p.HasField("round_mode") and by_fork != (p.round_mode == _FLOOR):
        n.fault("ceil_mode", "`ceil_mode` and `round_mode` contradict each other")
    return by_fork or p.round_mode == _FLOOR


def _axes(n: Instance, window: Window, floor: bool) -> list[_Axis]:
    clip = any(window.pad)
    return [
        _Axis(h, k, s, p, pooled_size(h, k, s, p, floor=floor, clip=clip))
        for h, k, s, p in zip(n.ins[0][2:], window.kernel, window.stride, window.pad, strict=True)
    ]


def _like_torch(window: Window, floor: bool) -> bool:
    """Whether torch's windows are Caffe's, whatever the size of the input.

    Torch takes no padding above half a window, and always drops a last window that begins behind
    the input, which without padding only a stride larger than the window can bring about.
    """
    fits = all(2 * p <= k for p, k in zip(window.pad, window.kernel, strict=True))
    jumps = any(s > k for s, k in zip(window.stride, window.kernel, strict=True))
    return fits and (floor or any(window.pad) or not jumps)


def _max(g: Any, x: Any, axes: list[_Axis], mask: bool) -> Any:
    """Return the maxima or, if asked for, a pair: maxima and indices."""
    if not mask:
        return _with_blind(g, g.op("MaxPool", x, **_attributes(axes)), axes, _LOWEST)
    best, index = g.op("MaxPool", x, outputs=2, **_attributes(axes))
    # ONNX's index runs over the whole blob.
    index = g.op("Mod", index, g.constant(axes[0].extent * axes[1].extent))
    index = g.op("Cast", index, to=_FLOAT)
    return _with_blind(g, best, axes, _LOWEST), _with_blind(g, index, axes, -1.0)


def _mean(g: Any, x: Any, axes: list[_Axis]) -> Any:
    """Return the sums of the windows over their full area."""
    mean = g.op("AveragePool", x, count_include_pad=1, **_attributes(axes))
    return _with_blind(g, mean, axes, 0.0)


def _corrections(axes: list[_Axis]) -> list[list[float]]:
    """Return full area over area up to the end of the padding, (H', W'), or [] if all are 1."""
    rows, columns = axes
    full = rows.kernel * columns.kernel
    areas = [[height * width for width in columns.spans] for height in rows.spans]
    if all(area == full for row in areas for area in row):
        return []
    return [[full / area if area else inf for area in row] for row in areas]


def _attributes(axes: list[_Axis]) -> dict[str, list[int]]:
    """Return the attributes of an ONNX pool over all windows but the blind ones."""
    return {
        "kernel_shape": [axis.kernel for axis in axes],
        "strides": [axis.stride for axis in axes],
        "pads": [*(axis.pad for axis in axes), *(axis.end for axis in axes)],
    }


def _with_blind(g: Any, pooled: Any, axes: list[_Axis], value: float) -> Any:
    """Add what windows behind the input give; a pool cannot pad by a whole window."""
    blind = [axis.blind for axis in axes]
    if not any(blind):
        return pooled
    return g.op("Pad", pooled, g.constant([0] * 6 + blind), g.constant(value))


_FLOAT = 1
"""TensorProto.FLOAT."""
