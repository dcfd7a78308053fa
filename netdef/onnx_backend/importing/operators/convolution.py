"""Conv and ConvTranspose."""

from typing import Any

from netdef.onnx_backend.importing.net_builder import Blob, Weight
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.shaping import cut
from netdef.onnx_backend.importing.unsupported import refuse
from netdef.onnx_backend.importing.windows import axes_of, convolved, wanted


@converts("Conv")
def convolution(op: Operator) -> Blob:
    """Convolution; where one end is padded more, it makes too many windows and a Slice follows."""
    weight = op.weight(1, "weight")
    axes = axes_of(op, weight.values.shape[2:])
    plans = [convolved(axis) for axis in axes]
    x = op.layer(
        "Convolution",
        op.bottom(),
        weights=_weights(op, weight),
        num_output=weight.values.shape[0],
        kernel_size=_once([axis.kernel for axis in axes]),
        stride=_once([axis.stride for axis in axes], 1),
        pad=_once([plan.pad for plan in plans], 0),
        dilation=_once([axis.dilation for axis in axes], 1),
        **_further(op),
    )
    return wanted(op, x, plans, axes)


@converts("ConvTranspose")
def deconvolution(op: Operator) -> Blob:
    """Deconvolution; the padding that both ends share is its own, a Slice cuts off the rest."""
    weight = op.weight(1, "weight")
    rank = weight.values.ndim - 2
    kernel, sizes = weight.values.shape[2:], op.shape()[2:]
    strides = op.attribute("strides") or [1] * rank
    dilations = op.attribute("dilations") or [1] * rank
    whole = [
        stride * (size - 1) + dilation * (k - 1) + 1
        for stride, size, dilation, k in zip(strides, sizes, dilations, kernel, strict=True)
    ]
    starts, ends = _cut_off(op, whole)
    shared = [min(start, end) for start, end in zip(starts, ends, strict=True)]
    if min(shared) < 0:
        refuse("its output reaches further than the windows: `output_padding` is too large")
    x = op.layer(
        "Deconvolution",
        op.bottom(),
        weights=_weights(op, weight),
        num_output=weight.values.shape[1] * op.attribute("group", 1),
        kernel_size=_once(list(kernel)),
        stride=_once(strides, 1),
        pad=_once(shared, 0),
        dilation=_once(dilations, 1),
        **_further(op),
    )
    for i in range(rank):
        made = whole[i] - 2 * shared[i]
        begin = starts[i] - shared[i]
        x = cut(op, x, made, i + 2, begin, begin + op.top_shape()[i + 2])
    return x


def _cut_off(op: Operator, whole: list[int]) -> tuple[list[int], list[int]]:
    """Return how much is cut off at the start and the end of every axis."""
    rank, tops = len(whole), op.top_shape()[2:]
    total = [size - top for size, top in zip(whole, tops, strict=True)]
    automatic = op.attribute("auto_pad", "NOTSET")
    if automatic == "NOTSET" and not op.attribute("output_shape"):
        starts = (op.attribute("pads") or [0] * (2 * rank))[:rank]
    elif automatic == "SAME_LOWER":
        starts = [cut - cut // 2 for cut in total]
    else:
        starts = [cut // 2 for cut in total]
    return starts, [cut - start for cut, start in zip(total, starts, strict=True)]


def _weights(op: Operator, weight: Weight) -> list[Weight]:
    return [weight, *([op.weight(2, "bias")] if op.given(2) else [])]


def _further(op: Operator) -> dict[str, Any]:
    """Return the fields that are mostly at their defaults."""
    group = op.attribute("group", 1)
    fields = {} if op.given(2) else {"bias_term": False}
    return {**fields, "group": group} if group != 1 else fields


def _once(sizes: list[int], default: int | None = None) -> list[Any]:
    """Return sizes as they are written: one where all are equal, none where that is the default."""
    if len(set(sizes)) > 1:
        return sizes
    return [] if sizes[0] == default else sizes[:1]
