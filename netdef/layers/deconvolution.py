"""Deconvolution."""

from typing import Any

from netdef.contract import (
    Absorb,
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    absorb_outputs,
    at_least,
    channel_axis,
    check_bottoms,
    check_filters,
    convolution_window,
    count,
    deconvolved_sizes,
    ignored,
    layer,
)


@layer("Deconvolution", param="convolution_param", role="convolution")
class Deconvolution(LayerType):
    """Spread every value over a window of the top, weighted by filters: the transposed convolution.

    (N, C, H, W) becomes (N, num_output, H', W') with, along every spatial axis,

        H' = stride (H - 1) + dilation (kernel_size - 1) + 1 - 2 pad

    Each value of the bottom is multiplied by its channel's filters and added into the window that
    begins at `stride` times its place; `pad` rows and columns are then cut off at each side. It is
    the backward pass of the Convolution with the same fields, from a top of this bottom's shape. A
    bias per output channel is added, unless `bias_term` is false.

    The channels are at `axis` (1); the axes before it are a batch, and those after it, one or more,
    are spatial. `kernel_size`, `stride` (1), `pad` (0) and `dilation` (1) are given once for all
    spatial axes or once per axis; for two axes also as `kernel_h` and `kernel_w`, `stride_h` and
    `stride_w`, `pad_h` and `pad_w`. Several bottoms, each with a top of its own, use one weight.

    Easy to get wrong:

    - The weight is C x num_output / group x kernel: channels of the bottom come first.
    - `pad` makes the top smaller.
    - To enlarge by an integer f and keep every channel by itself, give `kernel_size: 2 f - f % 2`,
      `stride: f`, `pad: ceil((f - 1) / 2)`, `group` and `num_output` C, `bias_term: false` and the
      `bilinear` filler; with `lr_mult: 0` it stays that.

    Zeiler et al., Deconvolutional Networks, 2010; Long et al., Fully Convolutional Networks for
    Semantic Segmentation, 2015.
    """

    bottoms = at_least(1)
    tops = at_least(1)
    absorbs_affine = True
    examples = (
        Example(
            "convolution_param { num_output: 4 kernel_size: 3 }",
            [(2, 3, 5, 6)],
            [(2, 4, 7, 8)],
            112,
        ),
        Example(
            "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 group: 3"
            ' bias_term: false weight_filler { type: "bilinear" } }',
            [(1, 3, 5, 5)],
            [(1, 3, 10, 10)],
            48,
        ),
        Example(
            "convolution_param { num_output: 6 kernel_h: 2 kernel_w: 3 stride_h: 3 stride_w: 1"
            " pad_h: 0 pad_w: 1 group: 2 }",
            [(2, 4, 3, 4)],
            [(2, 6, 8, 4)],
            78,
        ),
        Example(
            "convolution_param { num_output: 2 kernel_size: 3 dilation: 2 stride: 2 pad: 1 }",
            [(2, 3, 4)],
            [(2, 2, 9)],
            20,
        ),
        Example(
            "convolution_param { num_output: 2 kernel_size: 2 kernel_size: 1 kernel_size: 3"
            " stride: 2 pad: 1 pad: 0 pad: 1 }",
            [(1, 3, 4, 2, 3)],
            [(1, 2, 6, 3, 5)],
            38,
        ),
        Example(
            "convolution_param { num_output: 2 kernel_size: 2 stride: 2 pad: 1 dilation: 2 }",
            [(2, 1, 3, 2, 2, 3)],
            [(2, 2, 5, 3, 3, 5)],
            34,
        ),
        Example(
            "convolution_param { num_output: 3 kernel_size: 2 axis: -3 }",
            [(2, 2, 4, 3, 3)],
            [(2, 2, 3, 4, 4)],
            51,
        ),
        Example(
            "convolution_param { num_output: 3 kernel_size: 2 axis: 0 bias_term: false }",
            [(2, 3, 4)],
            [(3, 4, 5)],
            24,
        ),
        Example(
            "convolution_param { num_output: 5 kernel_size: 2 stride: 2 }",
            [(1, 3, 2, 2), (1, 3, 2, 2)],
            [(1, 5, 4, 4), (1, 5, 4, 4)],
            65,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        shape, axis = n.ins[0], channel_axis(n)
        check_bottoms(n)
        with n.collect():
            check_filters(n, shape[axis])
            window = convolution_window(n, len(shape) - axis - 1)
        sizes = deconvolved_sizes(n, axis, window)
        filters = n.p.num_output
        matrix = (shape[axis], filters // n.p.group, *window.kernel)
        weights = [Weight("weight", matrix, n.filler("weight_filler"))]
        if n.p.bias_term:
            weights.append(Weight("bias", (filters,), n.filler("bias_filler")))
        tops = [(*shape[:axis], filters, *sizes)] * len(n.tops)
        reason = "it belongs to C3D's Deconvolution3D"
        warnings = ignored(n, "kernel_depth", "temporal_stride", "temporal_pad", reason=reason)
        return Signature(tops, weights, warnings)

    def cost(self, n: Instance) -> Cost:
        """Kernel x num_output / group multiply-accumulates per input, a sum per output's bias."""
        taps = count(n.sig.weights[0].shape, 1)
        outputs = sum(count(top) for top in n.sig.tops if top is not None)
        return Cost(count(n.ins[0]) * len(n.ins) * taps, outputs if n.p.bias_term else 0)

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's own module for one bottom, one batch axis and up to three spatial ones."""
        axis = channel_axis(n)
        channels, axes = n.ins[0][axis], len(n.ins[0]) - axis - 1
        window = convolution_window(n, axes)
        sizes = (window.kernel, window.stride, window.pad)
        native = {1: t.nn.ConvTranspose1d, 2: t.nn.ConvTranspose2d, 3: t.nn.ConvTranspose3d}
        kind, more = native.get(axes), {}
        if kind is None or axis != 1 or len(n.ins) > 1:
            kind, more = t.ops.Deconvolution, {"axis": axis}
        return kind(
            channels,
            n.p.num_output,
            *sizes,
            groups=n.p.group,
            bias=n.p.bias_term,
            dilation=window.dilation,
            **more,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """ConvTranspose; the axes of the batch become one before it and are parted behind it."""
        axis, top = channel_axis(n), tuple(n.sig.tops[0] or ())
        window = convolution_window(n, len(n.ins[0]) - axis - 1)
        weights = [g.weight(weight.name) for weight in n.sig.weights]
        tops = []
        for value in ins:
            if axis != 1:
                lead = [1] if axis == 0 else [-1]
                value = g.op("Reshape", value, g.constant([*lead, *n.ins[0][axis:]]))
            value = g.op(
                "ConvTranspose",
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

    def absorb(self, n: Instance) -> Absorb | None:
        """Into the second axis of the weight, which counts the filters of a group."""
        return absorb_outputs(1, n.p.group) if channel_axis(n) == 1 else None
