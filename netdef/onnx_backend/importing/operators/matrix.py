"""Gemm, MatMul, and Gather from a constant table."""

from typing import Any

import numpy as np

from netdef.onnx_backend.importing.net_builder import Blob, Weight
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.operators.slicing import pick
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.shaping import tiled
from netdef.onnx_backend.importing.unsupported import refuse


@converts("Gemm")
def gemm(op: Operator) -> Blob:
    """InnerProduct; with a computed second matrix, MatMul and a sum."""
    alpha, beta = op.attribute("alpha", 1.0), op.attribute("beta", 1.0)
    if op.constant(1) is None:
        return _computed(op, alpha, beta)
    x = op.bottom()
    if op.attribute("transA", 0):
        x = op.layer("Permute", x, part="transpose", order=[1, 0])
    matrix = op.weight(1, "matrix")
    if not op.attribute("transB", 0):
        matrix = Weight(matrix.values.T, _named(matrix.source, "T"))
    if alpha != 1:
        matrix = Weight(matrix.values * alpha, _named(matrix.source, f"{alpha:g}"))
    bias = op.constant(2)
    outputs = matrix.values.shape[0]
    if not op.given(2):
        return linear(op, x, matrix, None, 1)
    if bias is None or bias.size not in (1, outputs) or bias.shape[:1] != bias.shape[-1:]:
        return _with_matrix(op, linear(op, x, matrix, None, 1), beta)
    row = Weight(np.broadcast_to(bias.reshape(-1) * beta, (outputs,)), "")
    if beta == 1 and bias.size == outputs:
        row = Weight(bias.reshape(-1), op.weight(2, "bias").source)
    return linear(op, x, matrix, row, 1)


@converts("MatMul")
def matmul(op: Operator) -> Blob:
    """InnerProduct by a constant matrix, else MatMul."""
    first, second = op.shape(0), op.shape(1)
    if op.constant(1) is not None and len(second) == 2:
        return linear_of(op, None)
    if len(first) < 2 or len(second) < 2:
        refuse("a product with a vector that is computed has no layer")
    return op.layer("MatMul", op.bottom(0), op.bottom(1))


@converts("Linear")
def linear_with_bias(op: Operator) -> Blob:
    """A MatMul by a constant matrix whose result a constant row is added to."""
    return linear_of(op, op.weight(2, "bias"))


def linear_of(op: Operator, bias: Weight | None) -> Blob:
    """Return the first input times the second, a constant matrix (K, N), along the last axis."""
    matrix = op.weight(1, "matrix")
    turned = Weight(matrix.values.T, _named(matrix.source, "T"))
    return linear(op, op.bottom(), turned, bias, len(op.shape()) - 1)


def linear(op: Operator, x: Blob, matrix: Weight, bias: Weight | None, axis: int) -> Blob:
    """Add an InnerProduct: a matrix (N, K), a bias (N,) or none."""
    fields: dict[str, Any] = {"num_output": matrix.values.shape[0]}
    if axis != 1:
        fields["axis"] = axis
    if bias is None:
        fields["bias_term"] = False
    weights = [matrix] if bias is None else [matrix, bias]
    return op.layer("InnerProduct", x, weights=weights, **fields)


@converts("Gather")
def gather(op: Operator) -> Blob:
    """Embed for computed indices into a constant table, else BatchReindex; Slice for known ones."""
    axis = op.attribute("axis", 0) % max(len(op.shape()), 1)
    if op.constant(1) is not None:
        return pick(op, axis, op.constant(1))
    if axis == 0 and op.constant(0) is None and len(op.shape(1)) == 1:
        return op.layer("BatchReindex", op.bottom(0), op.bottom(1))
    if axis or len(op.shape()) != 2:
        refuse("its indices are computed, and it does not gather rows of a constant matrix")
    table = op.weight(0, "table")
    rows, width = table.values.shape
    fields = {"input_dim": rows, "num_output": width, "bias_term": False}
    return op.layer("Embed", op.bottom(1), weights=[table], **fields)


def _computed(op: Operator, alpha: float, beta: float) -> Blob:
    x = op.layer(
        "MatMul",
        op.bottom(0),
        op.bottom(1),
        transpose_a=bool(op.attribute("transA", 0)),
        transpose_b=bool(op.attribute("transB", 0)),
    )
    if alpha != 1:
        x = op.layer("Power", x, scale=alpha)
    return _with_matrix(op, x, beta) if op.given(2) else x


def _with_matrix(op: Operator, x: Blob, beta: float) -> Blob:
    """Add the third input, of any shape."""
    added = tiled(op, op.bottom(2), op.shape(2), op.top_shape())
    fields: dict[str, Any] = {"coeff": [1.0, beta]} if beta != 1 else {}
    return op.layer("Eltwise", x, added, **fields)


def _named(source: str, change: str) -> str:
    """Return what a changed parameter is called; one of no name stays without."""
    return f"{source}.{change}" if source else ""
