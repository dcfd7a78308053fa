"""Add, Sub, Mul, Div, Pow and their like: with constants, and between blobs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from netdef.ir import Shape
from netdef.onnx_backend.importing.net_builder import Blob, Weight
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.operators.activation import clipped
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.shaping import reshaped, tiled
from netdef.onnx_backend.importing.unsupported import refuse


@converts("Add")
def add(op: Operator) -> Blob:
    """Bias or Power with a constant, else a sum."""
    for index in (1, 0):
        if op.constant(index) is not None:
            return _plus(op, _stretched(op, 1 - index), op.constant(index))
    return _sum(op, (op.bottom(0), op.bottom(1)), (1.0, 1.0))


@converts("Sub")
def sub(op: Operator) -> Blob:
    """An Add of what is negative."""
    if op.constant(1) is not None:
        return _plus(op, _stretched(op, 0), -op.constant(1))
    values = op.constant(0)
    if values is None:
        return _sum(op, (op.bottom(0), op.bottom(1)), (1.0, -1.0))
    x = _stretched(op, 1)
    if values.size == 1:
        return op.layer("Power", x, scale=-1.0, shift=float(values.reshape(())))
    return _plus(op, op.layer("Power", x, part="negative", scale=-1.0), values)


@converts("Mul")
def mul(op: Operator) -> Blob:
    """Scale or Power with a constant, else a product."""
    for index in (1, 0):
        if op.constant(index) is not None:
            return _times(op, _stretched(op, 1 - index), op.constant(index))
    return _product(op, op.bottom(0), op.bottom(1))


@converts("ScaleBias")
def scale_bias(op: Operator) -> Blob:
    """Scale with a bias, or Power: a constant of one shape multiplies and another is added."""
    factor, bias = op.known(1, "factor"), op.known(2, "bias")
    if factor.size == 1:
        numbers: dict[str, Any] = {
            "scale": float(factor.reshape(())),
            "shift": float(bias.reshape(())),
        }
        return op.layer("Power", op.bottom(), **numbers)
    axis, array = _spanning(factor, op.shape())
    weights = [Weight(array), Weight(_spanning(bias, op.shape())[1])]
    fields = {"bias_term": True, **_along(axis, array)}
    return op.layer("Scale", op.bottom(), weights=weights, **fields)


@converts("Div")
def div(op: Operator) -> Blob:
    """A Mul by the reciprocal."""
    if op.whole_numbers():
        refuse("Caffe has no division of whole numbers")
    if op.constant(1) is not None:
        return _times(op, _stretched(op, 0), 1.0 / op.constant(1).astype(np.float64))
    inverse = op.layer("Power", op.bottom(1), part="inverse", power=-1.0)
    values = op.constant(0)
    if values is not None:
        x = tiled(op, inverse, op.shape(1), op.top_shape())
        return _times(op, x, values)
    return _product(op, op.bottom(0), inverse)


@converts("Pow")
def power(op: Operator) -> Blob:
    """Power; with the base constant, Exp."""
    exponent, base = op.constant(1), op.constant(0)
    if exponent is not None and exponent.size == 1:
        return op.layer("Power", _stretched(op, 0), power=float(exponent.reshape(())))
    if base is not None and base.size == 1 and base.reshape(()) > 0:
        return op.layer("Exp", _stretched(op, 1), base=float(base.reshape(())))
    return refuse("neither base nor exponent is one constant number")


@converts("Sum", "Mean")
def total(op: Operator) -> Blob:
    """Eltwise SUM."""
    shape, count = op.top_shape(), len(op.node.inputs)
    factor = 1 / count if op.type == "Mean" else 1.0
    bottoms = [tiled(op, op.bottom(i), op.shape(i), shape) for i in range(count)]
    if count == 1:
        return bottoms[0]
    fields: dict[str, Any] = {"coeff": [factor] * count} if factor != 1 else {}
    return op.layer("Eltwise", *bottoms, **fields)


@converts("Max", "Min")
def extreme(op: Operator) -> Blob:
    """Clip at a constant; else Eltwise MAX, of negative values for Min."""
    shape, count = op.top_shape(), len(op.node.inputs)
    limit = op.constant(1) if count == 2 else None
    if limit is not None and limit.size == 1 and op.shape() == shape:
        value = float(limit.reshape(()))
        return clipped(op, value, None) if op.type == "Max" else clipped(op, None, value)
    bottoms = [tiled(op, op.bottom(i), op.shape(i), shape) for i in range(count)]
    if count == 1:
        return bottoms[0]
    if op.type == "Max":
        return op.layer("Eltwise", *bottoms, operation="MAX")
    negative = [op.layer("Power", x, part="negative", scale=-1.0) for x in bottoms]
    return op.layer("Power", op.layer("Eltwise", *negative, operation="MAX"), scale=-1.0)


def _stretched(op: Operator, index: int) -> Blob:
    """Return an input in the shape of the output."""
    return tiled(op, op.bottom(index), op.shape(index), op.top_shape())


def _plus(op: Operator, x: Blob, values: Any) -> Blob:
    if values.size == 1:
        return op.layer("Power", x, shift=float(values.reshape(()))) if values.any() else x
    axis, array = _spanning(values, op.top_shape())
    return op.layer("Bias", x, weights=[Weight(array)], **_along(axis, array))


def _times(op: Operator, x: Blob, values: Any) -> Blob:
    if values.size == 1:
        number = float(values.reshape(()))
        return op.layer("Power", x, scale=number) if number != 1 else x
    axis, array = _spanning(values, op.top_shape())
    return op.layer("Scale", x, weights=[Weight(array)], **_along(axis, array))


def _spanning(values: Any, shape: Shape) -> tuple[int, Any]:
    """Return the first axis that an array has more than one value along, and it from there on."""
    values = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
    begin, end = _span(values.shape)
    array = values.reshape(values.shape[begin:end])
    return begin, np.broadcast_to(array, shape[begin:end])


def _along(axis: int, array: Any) -> dict[str, Any]:
    """Return the fields that say which axes a constant spans; one per channel is the default."""
    return {"axis": axis, "num_axes": array.ndim} if (axis, array.ndim) != (1, 1) else {}


def _span(shape: Shape) -> tuple[int, int]:
    """Return the first and one past the last axis that is longer than 1; at least one axis."""
    long = [axis for axis, size in enumerate(shape) if size > 1] or [len(shape) - 1]
    return long[0], long[-1] + 1


def _sum(op: Operator, pair: tuple[Blob, Blob], coeffs: tuple[float, float]) -> Blob:
    subtracts = coeffs[1] < 0

    def whole(x: Blob, y: Blob) -> Blob:
        fields: dict[str, Any] = {"coeff": list(coeffs)} if subtracts else {}
        return op.layer("Eltwise", x, y, **fields)

    def short(x: Blob, y: Blob, axis: int) -> Blob:
        if subtracts:
            y = op.layer("Power", y, part="negative", scale=-1.0)
        return op.layer("Bias", x, y, axis=axis)

    return _between(op, pair, whole, short, commutes=not subtracts)


def _product(op: Operator, x: Blob, y: Blob) -> Blob:
    def whole(x: Blob, y: Blob) -> Blob:
        return op.layer("Eltwise", x, y, operation="PROD")

    def short(x: Blob, y: Blob, axis: int) -> Blob:
        return op.layer("Scale", x, y, axis=axis)

    return _between(op, (x, y), whole, short)


def _between(
    op: Operator,
    pair: tuple[Blob, Blob],
    whole: Callable[[Blob, Blob], Blob],
    short: Callable[[Blob, Blob, int], Blob],
    commutes: bool = True,
) -> Blob:
    """Combine the two inputs: `whole` takes equal shapes, `short` a second that spans some axes.

    Where neither fits, both are repeated to the shape of the output.
    """
    shapes, top = (op.shape(0), op.shape(1)), op.top_shape()
    if shapes[0] == shapes[1]:
        return whole(*pair)
    for large, small in ((0, 1), (1, 0)) if commutes else ((0, 1),):
        core = _core(shapes[small], top) if shapes[large] == top else None
        if core is not None:
            axis, shape = core
            y = reshaped(op, pair[small], shapes[small], shape, part="factor")
            return short(pair[large], y, axis)
    first, second = (tiled(op, x, s, top) for x, s in zip(pair, shapes, strict=True))
    return whole(first, second)


def _core(small: Shape, top: Shape) -> tuple[int, Shape] | None:
    """Return the axis and the shape by which a small blob spans axes of a large one, or None."""
    if not small:
        return 0, ()
    padded = (1,) * (len(top) - len(small)) + tuple(small)
    begin, end = _span(padded)
    core = padded[begin:end]
    return (begin, core) if core == tuple(top[begin:end]) else None
