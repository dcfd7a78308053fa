"""Windows of ONNX, as Caffe's convolutions and poolings can say them.

ONNX pads both ends by numbers of their own. Caffe has one for both, so that windows that begin
earlier are made, too, and cut off afterwards.
"""

from typing import NamedTuple

from netdef.contract.shapes import pooled_size
from netdef.ir import Shape
from netdef.onnx_backend.importing.net_builder import Blob
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.shaping import cut
from netdef.onnx_backend.importing.unsupported import refuse


class Axis(NamedTuple):
    """The windows along one axis of the input.

    Attributes:
        size: Of the input.
        kernel: Of a window.
        stride: Between windows.
        dilation: Between the elements of a window.
        start: The padding before the input.
        end: The padding behind it.
        count: How many windows there are.
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    start: int
    end: int
    count: int

    @property
    def extent(self) -> int:
        """How far a window reaches."""
        return self.dilation * (self.kernel - 1) + 1


class Plan(NamedTuple):
    """Caffe's windows along one axis.

    Attributes:
        pad: The padding of both ends.
        made: How many windows they are.
        first: The first of those that are wanted.
    """

    pad: int
    made: int
    first: int


def axes_of(op: Operator, kernel: Shape) -> list[Axis]:
    """Return the windows of a convolution or pooling, one per spatial axis."""
    sizes, counts = op.shape()[2:], op.top_shape()[2:]
    rank = len(sizes)
    strides = op.attribute("strides") or [1] * rank
    dilations = op.attribute("dilations") or [1] * rank
    pads = op.attribute("pads") or [0] * (2 * rank)
    automatic = op.attribute("auto_pad", "NOTSET")
    axes: list[Axis] = []
    for i in range(rank):
        start, end = pads[i], pads[rank + i]
        if automatic != "NOTSET":
            extent = dilations[i] * (kernel[i] - 1) + 1
            start, end = _automatic(automatic, sizes[i], extent, strides[i])
        axis = Axis(sizes[i], kernel[i], strides[i], dilations[i], start, end, counts[i])
        axes.append(axis)
    if any(axis.start < 0 or axis.end < 0 for axis in axes):
        refuse("its padding is negative")
    return axes


def convolved(axis: Axis) -> Plan:
    """Return how a convolution makes these windows."""
    pad, first = axis.start, 0
    while _convolved_count(axis, pad) < first + axis.count:
        pad, first = pad + axis.stride, first + 1
    return Plan(pad, _convolved_count(axis, pad), first)


def _convolved_count(axis: Axis, pad: int) -> int:
    return (axis.size + 2 * pad - axis.extent) // axis.stride + 1


def pooled(axes: list[Axis]) -> tuple[bool, list[Plan]]:
    """Return whether a pooling rounds down, and how it makes the windows along every axis.

    Raises:
        Unsupported: No pooling of Caffe's makes them.
    """
    choices: list[tuple[int, bool, list[Plan]]] = []
    for floor in (False, True):
        # Whether a last window is dropped depends on the padding of the other axes.
        for clip in (False, True):
            plans = [_pooled(axis, floor, clip) for axis in axes]
            found = [plan for plan in plans if plan is not None]
            if len(found) == len(axes) and clip == any(plan.pad for plan in found):
                spare = sum(p.made - a.count for p, a in zip(found, axes, strict=True))
                choices.append((spare, floor, found))
    if not choices:
        refuse("no padding of Caffe's, the same at both ends and less than a window, makes it")
    _, floor, plans = min(choices, key=lambda choice: choice[:2])
    return floor, plans


def _pooled(axis: Axis, floor: bool, clip: bool) -> Plan | None:
    pad, first = axis.start, 0
    while pad < max(axis.kernel, 1):
        made = pooled_size(axis.size, axis.kernel, axis.stride, pad, floor=floor, clip=clip)
        if made >= first + axis.count:
            return Plan(pad, made, first)
        pad, first = pad + axis.stride, first + 1
    return None


def wanted(op: Operator, x: Blob, plans: list[Plan], axes: list[Axis]) -> Blob:
    """Return the windows that are wanted of those that were made."""
    for i, (plan, axis) in enumerate(zip(plans, axes, strict=True), 2):
        x = cut(op, x, plan.made, i, plan.first, plan.first + axis.count)
    return x


def _automatic(kind: str, size: int, extent: int, stride: int) -> tuple[int, int]:
    if kind == "VALID":
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    less, more = total // 2, total - total // 2
    return (less, more) if kind == "SAME_UPPER" else (more, less)
