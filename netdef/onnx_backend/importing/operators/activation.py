"""Activations: one bottom, one top, element by element."""

from typing import Any

import numpy as np

from netdef.onnx_backend.importing.net_builder import Blob, Weight
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.unsupported import refuse

_PLAIN = {
    "Relu": ("ReLU", {}),
    "Sigmoid": ("Sigmoid", {}),
    "Tanh": ("TanH", {}),
    "Exp": ("Exp", {}),
    "Log": ("Log", {}),
    "Abs": ("AbsVal", {}),
    "Softplus": ("BNLL", {}),
    "HardSwish": ("HardSwish", {}),
    "Mish": ("Mish", {}),
    "Neg": ("Power", {"scale": -1.0}),
    "Sqrt": ("Power", {"power": 0.5}),
    "Reciprocal": ("Power", {"power": -1.0}),
}
"""Operators that are a layer type without looking further."""

_SELU = (1.6732632423543772, 1.0507009873554805)
_LARGEST = float(np.finfo(np.float32).max)


@converts(*_PLAIN)
def plain(op: Operator) -> Blob:
    """One layer."""
    type, fields = _PLAIN[op.type]
    return op.layer(type, op.bottom(), **fields)


@converts("LeakyRelu")
def leaky_relu(op: Operator) -> Blob:
    """ReLU with a slope."""
    return op.layer("ReLU", op.bottom(), negative_slope=op.attribute("alpha", 0.01))


@converts("PRelu")
def prelu(op: Operator) -> Blob:
    """PReLU with a slope for all, or one per channel."""
    slope = op.weight(1, "slope")
    shape, values = op.shape(), slope.values
    if values.size == 1:
        weight = Weight(values.reshape(()), slope.source)
        return op.layer("PReLU", op.bottom(), weights=[weight], channel_shared=True)
    full = (1,) * (len(shape) - values.ndim) + values.shape
    if len(shape) < 2 or full != (1, shape[1], *(1,) * (len(shape) - 2)):
        refuse(f"a slope of the shape {values.shape} is neither one number nor one per channel")
    return op.layer("PReLU", op.bottom(), weights=[Weight(values.reshape(-1), slope.source)])


@converts("Elu")
def elu(op: Operator) -> Blob:
    """ELU."""
    return op.layer("ELU", op.bottom(), alpha=op.attribute("alpha", 1.0))


@converts("Celu")
def celu(op: Operator) -> Blob:
    """ELU of x / alpha, times alpha."""
    alpha = op.attribute("alpha", 1.0)
    x = op.layer("Power", op.bottom(), scale=1 / alpha, part="scaled")
    return op.layer("Power", op.layer("ELU", x), scale=alpha)


@converts("Selu")
def selu(op: Operator) -> Blob:
    """SELU, or with other constants an ELU times one of them."""
    alpha, gamma = op.attribute("alpha", _SELU[0]), op.attribute("gamma", _SELU[1])
    if np.allclose((alpha, gamma), _SELU, rtol=1e-6):
        return op.layer("SELU", op.bottom())
    return op.layer("Power", op.layer("ELU", op.bottom(), alpha=alpha), scale=gamma)


@converts("HardSigmoid")
def hard_sigmoid(op: Operator) -> Blob:
    """HardSigmoid or HSigmoid; with another slope a Power and a Clip."""
    alpha, beta = op.attribute("alpha", 0.2), op.attribute("beta", 0.5)
    for slope, type in ((0.2, "HardSigmoid"), (1 / 6, "HSigmoid")):
        if beta == 0.5 and abs(alpha - slope) < 1e-7:
            return op.layer(type, op.bottom())
    x = op.layer("Power", op.bottom(), scale=alpha, shift=beta)
    return op.layer("Clip", x, min=0.0, max=1.0)


@converts("Swish")
def swish(op: Operator) -> Blob:
    """Swish."""
    beta = op.attribute("alpha", 1.0)
    return op.layer("Swish", op.bottom(), **({"beta": beta} if beta != 1 else {}))


@converts("Gelu")
def gelu(op: Operator) -> Blob:
    """GELU, or the layers that its approximation by tanh is made of."""
    x = op.bottom()
    if op.attribute("approximate", "none") != "tanh":
        return op.layer("GELU", x)
    cube = op.layer("Power", x, part="cube", power=3.0)
    inner = op.layer("Eltwise", x, cube, part="inner", coeff=[1.0, 0.044715])
    scaled = op.layer("Power", inner, part="scaled", scale=float(np.sqrt(2 / np.pi)))
    factor = op.layer("Power", op.layer("TanH", scaled), part="factor", scale=0.5, shift=0.5)
    return op.layer("Eltwise", x, factor, operation="PROD")


@converts("Softsign")
def softsign(op: Operator) -> Blob:
    """Multiply x by the reciprocal of 1 + |x|."""
    x = op.bottom()
    size = op.layer("AbsVal", x, part="abs")
    factor = op.layer("Power", size, part="factor", shift=1.0, power=-1.0)
    return op.layer("Eltwise", x, factor, operation="PROD")


@converts("Clip")
def clip(op: Operator) -> Blob:
    """ReLU, ReLU6 or Clip."""
    limits = [_limit(op, index, name) for index, name in ((1, "lower"), (2, "upper"))]
    return clipped(op, *limits)


def clipped(op: Operator, low: float | None, high: float | None) -> Blob:
    """Return the input between two limits, either of which may be missing."""
    if (low, high) == (0, None):
        return op.layer("ReLU", op.bottom())
    if (low, high) == (0, 6):
        return op.layer("ReLU6", op.bottom())
    return op.layer(
        "Clip",
        op.bottom(),
        min=-_LARGEST if low is None else max(low, -_LARGEST),
        max=_LARGEST if high is None else min(high, _LARGEST),
    )


@converts("Greater")
def greater(op: Operator) -> Blob:
    """Threshold by a number."""
    limit = op.constant(1)
    if limit is None or limit.size != 1:
        refuse("only a comparison with one constant number has a layer")
    return op.layer("Threshold", op.bottom(), threshold=float(limit.reshape(())))


@converts("Softmax", "LogSoftmax")
def softmax(op: Operator) -> Blob:
    """Softmax, and Log."""
    axis = op.attribute("axis", -1) % max(len(op.shape()), 1)
    fields: dict[str, Any] = {"axis": axis} if axis != 1 else {}
    x = op.layer("Softmax", op.bottom(), **fields)
    return op.layer("Log", x) if op.type == "LogSoftmax" else x


def _limit(op: Operator, index: int, which: str) -> float | None:
    if not op.given(index):
        return None
    limit = float(op.known(index, f"{which} limit"))
    return None if np.isinf(limit) or abs(limit) == _LARGEST else limit
