"""Made-up data."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    Signature,
    SourceType,
    at_least,
    constant,
    count,
    layer,
)
from netdef.contract.filler import filler_mismatch
from netdef.ir import Shape
from netdef.schema import pb

_OLD_FIELDS = ("num", "channels", "height", "width")


@layer("DummyData", param="dummy_data_param", role="source")
class DummyData(SourceType):
    """Blobs filled by fillers: zeros, a constant, random numbers. No file is needed.

    `shape` and `data_filler` are given once for all tops or once per top; without a filler the tops
    are 0. A constant filler's top is always the same; any other filler fills anew in every run.
    In old files `num`, `channels`, `height` and `width` take the place of `shape`.

    It is an input of the net as well: values that are given for a top are used in its place, and in
    an ONNX file its tops are inputs.
    """

    tops = at_least(1)
    examples = (
        Example("dummy_data_param { shape { dim: 2 dim: 3 } }", outs=[(2, 3)]),
        Example(
            "dummy_data_param { shape { dim: 4 dim: 1 dim: 8 dim: 8 } shape { dim: 4 }"
            ' data_filler { value: 0.5 } data_filler { type: "constant" value: 2 } }',
            outs=[(4, 1, 8, 8), (4,)],
        ),
        Example(
            'dummy_data_param { shape { dim: 4 dim: 6 } data_filler { type: "gaussian" std: 2 } }',
            outs=[(4, 6), (4, 6)],
            random=True,
        ),
        Example(
            "dummy_data_param { num: 2 num: 5 channels: 3 height: 1 width: 1 height: 4 width: 4"
            ' data_filler { type: "uniform" min: -1 } data_filler {} }',
            outs=[(2, 3, 1, 1), (5, 3, 4, 4)],
            random=True,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """Every top has the shape that is written."""
        old = tuple(name for name in _OLD_FIELDS if len(getattr(n.p, name)))
        with n.collect():
            if old:
                _check_old(n, old)
            else:
                _check_number(n, "shape")
            _check_sizes(n)
            if len(n.p.data_filler):
                _check_number(n, "data_filler")
            for index, filler in enumerate(n.p.data_filler):
                n.check_filler(f"data_filler[{index}]", filler)
        shapes = [_shape(n.p, index, bool(old)) for index in range(len(n.tops))]
        for index, (shape, filler) in enumerate(zip(shapes, _fillers(n), strict=True)):
            mismatch = filler_mismatch(filler, shape)
            if mismatch is not None:
                path = f"data_filler[{index if len(n.p.data_filler) > 1 else 0}].type"
                n.fault(path, mismatch, "bad-filler", because=("shape", *_OLD_FIELDS))
        return Signature(shapes)

    def cost(self, n: Instance) -> Cost:
        """One random number per element, where the filler draws any."""
        sizes = [count(shape) for shape in n.sig.tops if shape is not None]
        fillers = _fillers(n)
        drawn = (s for s, f in zip(sizes, fillers, strict=False) if f.type != "constant")
        return Cost(other=sum(drawn))

    def torch(self, n: Instance, t: Any) -> Any:
        """A module without inputs."""
        tops = zip(n.sig.tops, _fillers(n), strict=True)
        return t.ops.Filled([(shape, t.filler(shape, filler)) for shape, filler in tops])


def _check_old(n: Instance, old: tuple[str, ...]) -> None:
    if len(n.p.shape):
        text = f"give `shape` or, as in old files, `{old[0]}`; not both"
        n.fault("shape", text, because=(*old, "shape.dim"))
        return
    for name in _OLD_FIELDS:
        _check_number(n, name)


def _check_sizes(n: Instance) -> None:
    for index, shape in enumerate(n.p.shape):
        for axis, size in enumerate(shape.dim):
            if size < 0:
                path = f"shape[{index}].dim[{axis}]"
                n.fault(path, f"a size cannot be negative, as {size} is")


def _check_number(n: Instance, name: str) -> None:
    given, tops = len(getattr(n.p, name)), len(n.tops)
    if not given:
        n.fault(name, f"DummyData needs `{name}`", rule="missing-field")
    elif given not in (1, tops):
        n.fault(name, f"`{name}` is given {given} times for {tops} tops; give it once or per top")


def _shape(p: pb.DummyDataParameter, index: int, old: bool) -> Shape:
    if old:
        return tuple(_of_top(getattr(p, name), index) for name in _OLD_FIELDS)
    return tuple(_of_top(p.shape, index).dim)


def _fillers(n: Instance) -> list[pb.FillerParameter]:
    given = n.p.data_filler or [constant(0.0)]
    return [_of_top(given, index) for index in range(len(n.tops))]


def _of_top(values: Any, index: int) -> Any:
    return values[index if len(values) > 1 else 0]
