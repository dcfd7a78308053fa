"""What convolutions of all kinds share: bottoms, filters and sizes."""

from netdef.contract.instance import Instance
from netdef.contract.shapes import convolved_size, deconvolved_size
from netdef.contract.window import Window
from netdef.ir import Shape

_EXTENT = ("kernel_size", "kernel_h", "kernel_w", "kernel_depth", "dilation")
_PAD = ("pad", "pad_h", "pad_w", "temporal_pad")
_STRIDE = ("stride", "stride_h", "stride_w", "temporal_stride")


def channel_axis(n: Instance) -> int:
    """Return the axis in the field `axis`, counted from the front; there are spatial ones behind.

    Args:
        n: A layer with ConvolutionParameter's fields.
    """
    axis = n.axis("axis", len(n.ins[0]))
    if axis == len(n.ins[0]) - 1:
        text = f"there is no spatial axis after axis {axis}, the channels"
        n.mismatch("bottom[0]", text, because=("axis",))
    return axis


def check_bottoms(n: Instance) -> None:
    """Fault bottoms that are unlike, or have not a top each."""
    if len(n.tops) != len(n.ins):
        text = f"every bottom has a top of its own: {len(n.ins)} bottoms, {len(n.tops)} tops"
        n.fault("top", text, rule="top-count")
    for i, other in enumerate(n.ins[1:], 1):
        if other != n.ins[0]:
            text = f"`{n.bottoms[i]}` has the shape {other}, but `{n.bottoms[0]}` has {n.ins[0]}"
            n.mismatch(f"bottom[{i}]", text, note="the bottoms share the weight and must be alike")


def check_num_output(n: Instance) -> None:
    """Fault a `num_output` that is missing or no number of filters."""
    if not n.p.HasField("num_output"):
        n.fault("num_output", f"{n.type} needs `num_output`", rule="missing-field")
    elif n.p.num_output < 1:
        n.fault("num_output", "`num_output` must be at least 1")


def check_filters(n: Instance, channels: int) -> None:
    """Fault a `num_output` or a `group` that does not fit the channels of the input."""
    check_num_output(n)
    group = n.p.group
    if group < 1:
        n.fault("group", "`group` must be at least 1")
        return
    if channels % group:
        text = f"`group` is {group}, which does not divide the {channels} channels of the input"
        n.fault("group", text, bottom=0, because=("axis",))
    if n.p.num_output % group:
        text = f"`group` is {group}, which does not divide the {n.p.num_output} filters"
        n.fault("group", text, because=("num_output",))


def convolved_sizes(n: Instance, axis: int, window: Window) -> list[int]:
    """Return the sizes of a convolution's output along its spatial axes.

    Args:
        n: The layer.
        axis: The axis of the channels; those behind it are spatial.
        window: Kernel, stride, padding and dilation along each of them.
    """
    sizes: list[int] = []
    for i, (size, kernel, stride, pad, dilation) in enumerate(_rows(n, axis, window), axis + 1):
        sizes.append(convolved_size(size, kernel, stride, pad, dilation))
        if sizes[-1] < 1:
            extent = dilation * (kernel - 1) + 1
            text = (
                f"a window of {extent} along axis {i} does not fit into {size} with padding {pad}"
            )
            n.mismatch("bottom[0]", text, because=(*_EXTENT, *_PAD, "axis"))
    return sizes


def deconvolved_sizes(n: Instance, axis: int, window: Window) -> list[int]:
    """Return the sizes of a deconvolution's output along its spatial axes.

    Args:
        n: The layer.
        axis: The axis of the channels; those behind it are spatial.
        window: Kernel, stride, padding and dilation along each of them.
    """
    sizes: list[int] = []
    for i, (size, kernel, stride, pad, dilation) in enumerate(_rows(n, axis, window), axis + 1):
        sizes.append(deconvolved_size(size, kernel, stride, pad, dilation))
        if sizes[-1] < 1:
            text = f"padding of {pad} leaves nothing of the {sizes[-1] + 2 * pad} along axis {i}"
            n.mismatch("bottom[0]", text, because=(*_PAD, *_EXTENT, *_STRIDE, "axis"))
    return sizes


def _rows(n: Instance, axis: int, window: Window) -> "zip[tuple[int, int, int, int, int]]":
    spatial: Shape = n.ins[0][axis + 1 :]
    return zip(spatial, window.kernel, window.stride, window.pad, window.dilation, strict=True)
