"""Convolution."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    Window,
    at_least,
    channel_axis,
    check_bottoms,
    check_filters,
    convolution_window,
    convolved_sizes,
    count,
    ignored,
    layer,
)


@layer("Convolution", param="convolution_param", role="convolution")
class Convolution(LayerType):
    """Slide `num_output` filters over the spatial axes and add a bias to each.

    (N, C, H, W) becomes (N, num_output, H', W') with, along every spatial axis,

        H' = floor((H + 2 pad - (dilation (kernel_size - 1) + 1)) / stride) + 1

    The channels are at `axis` (1); the axes before it are a batch, and those after it, one or more,
    are spatial. `kernel_size`, `stride` (1), `pad` (0) and `dilation` (1) are given once for all
    spatial axes or once per axis; for two axes also as `kernel_h` and `kernel_w`, `stride_h` and
    `stride_w`, `pad_h` and `pad_w`.

    The weight is num_output x C / group x kernel. With `group` g, the channels and the filters are
    cut into g equal parts and the filters of a part see the channels of the same part; g = C is a
    depthwise convolution. Fillers that are not given leave weight and bias 0.

    Easy to get wrong: the size is rounded down here, but up in Pooling; and several bottoms, each
    with a top of its own, all use the one weight.
    """

    bottoms = at_least(1)
    tops = at_least(1)
    absorbs_affine = True
    examples = (
        Example(
            "convolution_param { num_output: 4 kernel_size: 3 }",
            [(2, 3, 7, 9)],
            [(2, 4, 5, 7)],
            112,
        ),
        Example(
            "convolution_param { num_output: 6 kernel_h: 5 kernel_w: 3 stride_h: 2 stride_w: 1"
            " pad_h: 2 pad_w: 0 group: 3 bias_term: false }",
            [(1, 3, 8, 5)],
            [(1, 6, 4, 3)],
            90,
        ),
        Example(
            "convolution_param { num_output: 8 kernel_size: 3 pad: 2 dilation: 2 group: 4 }",
            [(2, 4, 6, 7)],
            [(2, 8, 6, 7)],
            80,
        ),
        Example(
            "convolution_param { num_output: 2 kernel_size: 4 stride: 3 pad: 1 }",
            [(3, 2, 11)],
            [(3, 2, 4)],
            18,
        ),
        Example(
            "convolution_param { num_output: 2 kernel_size: 2 kernel_size: 1 kernel_size: 3"
            " stride: 2 pad: 1 pad: 0 pad: 1 }",
            [(1, 3, 4, 5, 6)],
            [(1, 2, 3, 3, 3)],
            38,
        ),
        Example(
            "convolution_param { num_output: 2 kernel_size: 2 pad: 1 dilation: 2 }",
            [(2, 1, 3, 4, 3, 3)],
            [(2, 2, 3, 4, 3, 3)],
            34,
        ),
        Example(
            "convolution_param { num_output: 3 kernel_size: 3 axis: -3 }",
            [(2, 3, 4, 5, 6)],
            [(2, 3, 3, 3, 4)],
            111,
        ),
        Example(
            "convolution_param { num_output: 5 kernel_size: 1 }",
            [(1, 3, 4, 4), (1, 3, 4, 4)],
            [(1, 5, 4, 4), (1, 5, 4, 4)],
            20,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        shape, axis = n.ins[0], channel_axis(n)
        check_bottoms(n)
        with n.collect():
            check_filters(n, shape[axis])
            window = convolution_window(n, len(shape) - axis - 1)
        sizes = convolved_sizes(n, axis, window)
        filters = n.p.num_output
        weights = [
            Weight(
                "weight",
                (filters, shape[axis] // n.p.group, *window.kernel),
                n.filler("weight_filler"),
            )
        ]
        if n.p.bias_term:
            weights.append(Weight("bias", (filters,), n.filler("bias_filler")))
        tops = [(*shape[:axis], filters, *sizes)] * len(n.tops)
        reason = "it belongs to C3D's Convolution3D"
        warnings = ignored(n, "kernel_depth", "temporal_stride", "temporal_pad", reason=reason)
        return Signature(tops, weights, warnings)

    def cost(self, n: Instance) -> Cost:
        """Kernel x C / group multiply-accumulates per output, and an addition for the bias."""
        axis = n.axis("axis", len(n.ins[0]))
        window = convolution_window(n, len(n.ins[0]) - axis - 1)
        top = (*n.ins[0][:axis], n.p.num_output, *convolved_sizes(n, axis, window))
        outputs = count(top) * len(n.ins)
        taps = count(window.kernel) * (n.ins[0][axis] // n.p.group)
        return Cost(outputs * taps, outputs if n.p.bias_term else 0)

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's own module for one bottom, one batch axis and up to three spatial ones."""
        axis = n.axis("axis", len(n.ins[0]))
        axes = len(n.ins[0]) - axis - 1
        window = convolution_window(n, axes)
        sizes = (window.kernel, window.stride, window.pad, window.dilation)
        channels, bias = n.ins[0][axis], n.p.bias_term
        native = {1: t.nn.Conv1d, 2: t.nn.Conv2d, 3: t.nn.Conv3d}.get(axes)
        if native is None or axis != 1 or len(n.ins) > 1:
            return t.ops.Convolution(
                channels, n.p.num_output, *sizes, groups=n.p.group, bias=bias, axis=axis
            )
        return native(channels, n.p.num_output, *sizes, groups=n.p.group, bias=bias)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Conv; the axes of the batch become one before it and are parted again behind it."""
        axis = n.axis("axis", len(n.ins[0]))
        shape = n.ins[0]
        window = convolution_window(n, len(shape) - axis - 1)
        top = (*shape[:axis], n.p.num_output, *convolved_sizes(n, axis, window))
        weights = [g.weight("weight"), *([g.weight("bias")] if n.p.bias_term else [])]
        tops = []
        for value in ins:
            if axis != 1:
                lead = [1] if axis == 0 else [-1]
                value = g.op("Reshape", value, g.constant([*lead, *shape[axis:]]))
            value = g.op(
                "Conv",
                value,
                *weights,
                kernel_shape=list(window.kernel),
                strides=list(window.stride),
                pads=[*window.pad, *window.pad],
                dilations=list(window.dilation),
                group=n.p.group,
            )
            if axis != 1:
                lead = [] if axis == 0 else [-1]
                value = g.op("Reshape", value, g.constant([*lead, *top[len(lead) :]]))
            tops.append(value)
        return tops[0] if len(tops) == 1 else tuple(tops)

    def window(self, n: Instance) -> Window:
        return convolution_window(n, len(n.ins[0]) - n.axis("axis", len(n.ins[0])) - 1)
