"""What poolings share: the arithmetic of their windows, and the facets that follow from it."""

from math import inf, prod
from typing import Any, ClassVar, NamedTuple

from netdef.contract.cost import Cost
from netdef.contract.instance import Instance
from netdef.contract.layer_type import LayerType
from netdef.contract.shapes import count, pooled_size
from netdef.contract.signature import Signature
from netdef.contract.window import Window
from netdef.ir import Shape

MAX, AVE, STOCHASTIC = 0, 1, 2
"""The methods, as the messages of all poolings number them."""

_LOWEST = -3.4028234663852886e38
"""-FLT_MAX: the maximum of nothing."""

_FLOAT = 1
"""TensorProto.FLOAT."""

_WHAT = {1: ("elements",), 2: ("rows", "columns"), 3: ("frames", "rows", "columns")}


class PoolingFields(NamedTuple):
    """The names of the fields that say it, one per spatial axis; "" for what cannot be said.

    A name in `kernel` or `stride` is that of a field; where several axes go by one field, it is
    there several times. Empty when the fields contradict each other.
    """

    kernel: tuple[str, ...]
    stride: tuple[str, ...]
    pad: tuple[str, ...]


class PoolingType(LayerType):
    """Base of the types that reduce every window of (N, C, spatial...) to one value.

    A type says which fields its windows come from; its message has a field `pool`.
    """

    ranks: ClassVar[range]
    """How many axes the bottom may have."""
    layout: ClassVar[str]
    """These axes, as messages show them."""
    clips: ClassVar[bool]
    """Whether, where there is padding, a last window that begins behind the input is dropped."""

    def fields(self, n: Instance) -> PoolingFields:
        """Return where kernel, stride and padding are written; fault contradictions."""
        raise NotImplementedError

    def sizes(self, n: Instance, fields: PoolingFields) -> Window:
        """Read these fields; fault sizes that make no sense."""
        kernel = _sizes(n, fields.kernel, 1)
        stride, pad = _sizes(n, fields.stride, 1), _sizes(n, fields.pad, 0)
        return Window(kernel, stride, pad, (1,) * len(kernel))

    def floor(self, n: Instance) -> bool:
        """Return whether the number of windows is rounded down."""
        del n
        return False

    def whole(self, n: Instance) -> bool:
        """Return whether the one window is the whole input, whatever its size."""
        del n
        return False

    def signature(self, n: Instance) -> Signature:
        """One value per window."""
        shape = n.ins[0]
        if len(shape) not in self.ranks:
            n.mismatch("bottom[0]", f"{n.type} takes {self.layout}, not {len(shape)} axes")
        with n.collect():
            if len(n.tops) > 1 and n.p.pool != MAX:
                text = "only MAX pooling has a second top, the indices"
                n.fault("top[1]", text, "top-count", because=("pool",))
            self.floor(n)
            fields = self.fields(n)
            _check_padding(n, self.sizes(n, fields), fields)
        axes = self._axes(n)
        for what, axis, *names in zip(_WHAT[len(axes)], axes, *fields, strict=True):
            if axis.size < 1:
                text = f"a window of {axis.kernel} {what} does not fit into {axis.extent}"
                n.mismatch("bottom[0]", f"{text} with padding {axis.pad}", because=tuple(names))
        return Signature([(*shape[:2], *(axis.size for axis in axes))] * len(n.tops))

    def window(self, n: Instance) -> Window:
        """The sizes that the fields say."""
        return self.sizes(n, self.fields(n))

    def cost(self, n: Instance) -> Cost:
        """An addition or comparison per value of every window; STOCHASTIC takes two."""
        axes = self._axes(n)
        outputs = count(n.ins[0][:2]) * prod(axis.size for axis in axes)
        passes = 2 if n.p.pool == STOCHASTIC else 1
        return Cost(other=outputs * prod(axis.kernel for axis in axes) * passes)

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's own poolings wherever their windows are these for every size of input."""
        window, floor = self.window(n), self.floor(n)
        mask, axes = len(n.tops) > 1, len(window.kernel)
        method = {MAX: "max", AVE: "ave", STOCHASTIC: "stochastic"}[n.p.pool]
        if n.p.pool == STOCHASTIC and n.training:
            method = "draw"
        if self.whole(n):
            if n.p.pool == AVE:
                return getattr(t.nn, f"AdaptiveAvgPool{axes}d")(1)
            return t.ops.Pooling(method, None, mask=mask)
        sizes = (window.kernel, window.stride, window.pad)
        native = {MAX: f"MaxPool{axes}d", AVE: f"AvgPool{axes}d"}.get(n.p.pool)
        if native == "AvgPool3d":  # which refuses an input that is smaller than the window
            native = None
        if native and not mask and _like_torch(window, floor, self.clips):
            return getattr(t.nn, native)(*sizes, ceil_mode=not floor)
        return t.ops.Pooling(method, *sizes, floor=floor, clip=self.clips, mask=mask)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """MaxPool or AveragePool, rounding down behind the padding that makes the same windows."""
        x, mask = ins[0], len(n.tops) > 1
        if n.p.pool == STOCHASTIC and n.training:
            n.unsupported("STOCHASTIC pooling draws at random in TRAIN")
        if self.whole(n) and n.p.pool != STOCHASTIC and not mask:
            return g.op("GlobalMaxPool" if n.p.pool == MAX else "GlobalAveragePool", x)
        axes = self._axes(n)
        if g.open_size and not mask and n.p.pool != STOCHASTIC:
            pooled = self._for_every_size(n, g, x)
            if pooled is not None:
                return pooled
        if n.p.pool == MAX:
            return _max(g, x, axes, mask)
        mean = _mean(g, x, axes)
        if n.p.pool == AVE:
            factors = _corrections(axes)
            return g.op("Mul", mean, g.constant(factors)) if factors else mean
        squares = _mean(g, g.op("Mul", x, x), axes)
        zero, one = g.constant(0.0), g.constant(1.0)
        some = g.op("Greater", mean, zero)
        return g.op("Where", some, g.op("Div", squares, g.op("Where", some, mean, one)), zero)

    def _for_every_size(self, n: Instance, g: Any, x: Any) -> Any:
        """Return a pool without sizes of the input in it; None where ONNX's windows are others.

        Its `ceil_mode` means what torch's does. It is used only for this: before opset 22 ONNX did
        not say what becomes of a window that begins behind the input.
        """
        window, floor = self.window(n), self.floor(n)
        if not _like_torch(window, floor, self.clips):
            return None
        attributes = {
            "kernel_shape": window.kernel,
            "strides": window.stride,
            "pads": (*window.pad, *window.pad),
            "ceil_mode": int(not floor),
        }
        if n.p.pool == MAX:
            return g.op("MaxPool", x, **attributes)
        return g.op("AveragePool", x, count_include_pad=1, **attributes)

    def _axes(self, n: Instance) -> list["_Axis"]:
        window, floor = self.window(n), self.floor(n)
        clip = self.clips and any(window.pad)
        return [
            _Axis(extent, k, s, p, pooled_size(extent, k, s, p, floor=floor, clip=clip))
            for extent, k, s, p in zip(
                n.ins[0][2:], window.kernel, window.stride, window.pad, strict=True
            )
        ]


class _Axis(NamedTuple):
    """The windows along one axis."""

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


def _sizes(n: Instance, names: tuple[str, ...], least: int) -> Shape:
    """Read the fields of these names."""
    for name in dict.fromkeys(filter(None, names)):
        value = getattr(n.p, name)
        if value >= least:
            continue
        if n.p.HasField(name):
            n.fault(name, f"`{name}` must be at least {least}, not {value}")
        else:
            n.fault(name, f"{n.type} needs `{name}`", rule="missing-field")
    return tuple(getattr(n.p, name) if name else 0 for name in names)


def _check_padding(n: Instance, window: Window, fields: PoolingFields) -> None:
    """Fault padding that a window could lie in, and padding of a method that knows none."""
    rows = zip(window.pad, fields.pad, window.kernel, fields.kernel, strict=False)
    for pad, name, kernel, by in rows:
        if pad and n.p.pool == STOCHASTIC:
            n.fault(name, "STOCHASTIC pooling takes no padding", because=("pool",))
            return
        if pad and 0 < kernel <= pad:
            text = f"the padding {pad} must be smaller than the window's {kernel}"
            n.fault(name, text, because=(by,))
            return


def _like_torch(window: Window, floor: bool, clips: bool) -> bool:
    """Whether torch's windows are Caffe's, whatever the size of the input.

    Torch takes no padding above half a window, and always drops a last window that begins behind
    the input, which without padding only a stride larger than the window can bring about.
    """
    padded = any(window.pad)
    fits = all(2 * p <= k for p, k in zip(window.pad, window.kernel, strict=True))
    jumps = any(s > k for s, k in zip(window.stride, window.kernel, strict=True))
    return fits and (floor or (clips if padded else not jumps))


def _max(g: Any, x: Any, axes: list[_Axis], mask: bool) -> Any:
    """Return the maxima or, if asked for, a pair: maxima and indices."""
    if not mask:
        return _with_blind(g, g.op("MaxPool", x, **_attributes(axes)), axes, _LOWEST)
    best, index = g.op("MaxPool", x, outputs=2, **_attributes(axes))
    # ONNX's index runs over the whole blob.
    index = g.op("Mod", index, g.constant(prod(axis.extent for axis in axes)))
    index = g.op("Cast", index, to=_FLOAT)
    return _with_blind(g, best, axes, _LOWEST), _with_blind(g, index, axes, -1.0)


def _mean(g: Any, x: Any, axes: list[_Axis]) -> Any:
    """Return the sums of the windows over their full area."""
    mean = g.op("AveragePool", x, count_include_pad=1, **_attributes(axes))
    return _with_blind(g, mean, axes, 0.0)


def _corrections(axes: list[_Axis]) -> Any:
    """Return full area over area up to the end of the padding, (spatial...), or [] if all are 1."""
    if all(span == axis.kernel for axis in axes for span in axis.spans):
        return []

    def ratios(rest: list[_Axis], full: int, area: int) -> Any:
        if not rest:
            return full / area if area else inf
        first, *others = rest
        return [ratios(others, full * first.kernel, area * span) for span in first.spans]

    return ratios(axes, 1, 1)


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
    ends = [0] * (2 + len(axes) + 2) + blind
    return g.op("Pad", pooled, g.constant(ends), g.constant(value))
