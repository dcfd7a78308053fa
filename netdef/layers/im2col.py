"""Windows laid out as channels."""

from itertools import chain
from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Window,
    channel_axis,
    convolution_window,
    convolved_sizes,
    count,
    ignored,
    layer,
)


@layer("Im2col", param="convolution_param", role="shape")
class Im2col(LayerType):
    """Lay out the window of every place as channels, as a convolution sees it.

    (N, C, H, W) becomes (N, C kernel_h kernel_w, H', W'), with the sizes of a Convolution with the
    same fields; channel (c kernel_h + i) kernel_w + j at a place holds row i and column j of the
    window over channel c there. Zeros stand where a window reaches into the padding. A Convolution
    is this and then an InnerProduct of its filters with the channels of every place.

    The channels are at `axis` (1); the axes before it are a batch, and those after it, one or more,
    are spatial. `kernel_size`, `stride` (1), `pad` (0) and `dilation` (1) are those of Convolution;
    its other fields have no effect.
    """

    examples = (
        Example(
            "convolution_param { kernel_size: 3 stride: 2 pad: 1 }", [(2, 3, 7, 9)], [(2, 27, 4, 5)]
        ),
        Example(
            "convolution_param { kernel_h: 1 kernel_w: 3 stride_h: 2 stride_w: 1"
            " pad_h: 0 pad_w: 2 }",
            [(2, 2, 5, 4)],
            [(2, 6, 3, 6)],
        ),
        Example("convolution_param { kernel_size: 3 dilation: 2 }", [(2, 4, 7)], [(2, 12, 3)]),
        Example(
            "convolution_param { kernel_size: 2 kernel_size: 1 kernel_size: 3"
            " dilation: 2 axis: -4 }",
            [(2, 2, 3, 5, 4, 7)],
            [(2, 2, 18, 3, 4, 3)],
        ),
        Example("convolution_param { kernel_size: 2 pad: 1 axis: 0 }", [(3, 4, 5)], [(12, 5, 6)]),
    )

    def signature(self, n: Instance) -> Signature:
        shape, axis = n.ins[0], channel_axis(n)
        window = convolution_window(n, len(shape) - axis - 1)
        channels = shape[axis] * count(window.kernel)
        sizes = convolved_sizes(n, axis, window)
        fields = ("num_output", "bias_term", "group", "weight_filler", "bias_filler")
        reason = "Im2col only rearranges its input; it has no filters"
        warnings = ignored(n, *fields, reason=reason)
        return Signature([(*shape[:axis], channels, *sizes)], warnings=warnings)

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        axis = channel_axis(n)
        window = convolution_window(n, len(n.ins[0]) - axis - 1)
        return t.ops.Im2col(window.kernel, window.stride, window.pad, window.dilation, axis=axis)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Pad, then along every spatial axis a Gather that makes two: tap and place."""
        axis, (top, *_) = channel_axis(n), n.sig.tops
        window = self.window(n)
        axes, sizes = len(window.kernel), (top or ())[axis + 1 :]
        x = ins[0]
        if any(window.pad):
            pads = [*[0] * (axis + 1), *window.pad] * 2
            x = g.op("Pad", x, g.constant(pads))
        for i in range(axes):
            places = [
                [place * window.stride[i] + tap * window.dilation[i] for place in range(sizes[i])]
                for tap in range(window.kernel[i])
            ]
            x = g.op("Gather", x, g.constant(places), axis=axis + 1 + 2 * i)
        behind = range(axis + 1, axis + 1 + 2 * axes)
        order = chain(range(axis + 1), behind[::2], behind[1::2])
        x = g.op("Transpose", x, perm=list(order))
        return g.op("Reshape", x, g.constant([*[0] * axis, -1, *sizes]))

    def window(self, n: Instance) -> Window:
        return convolution_window(n, len(n.ins[0]) - channel_axis(n) - 1)
