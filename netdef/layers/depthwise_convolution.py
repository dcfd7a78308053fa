"""Depthwise convolution, as a Convolution written for it."""

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
    check_bottoms,
    convolution_window,
    convolved_sizes,
    count,
    layer,
)


@layer("DepthwiseConvolution", param="convolution_param", role="convolution")
class DepthwiseConvolution(LayerType):
    """Convolve every channel with a filter of its own and add a bias to each.

    (N, C, H, W) becomes (N, C, H', W') with, for rows and for columns,

        H' = floor((H + 2 pad - (dilation (kernel_size - 1) + 1)) / stride) + 1

    It is a Convolution with `group` C and `num_output` C, and computes the same; where these fields
    are given they must be C. The weight is C x 1 x kernel. `kernel_size`, `stride` (1), `pad` (0)
    and `dilation` (1) are given once or for rows and columns apart, also as `kernel_h` and
    `kernel_w`, and so on; `bias_term` (true) and the fillers are Convolution's. Several bottoms,
    each with a top of its own, use one weight.

    Easy to get wrong: a channel multiplier (`num_output: 2 C`) is for Convolution.

    Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications, 2017.

    Forks: For MobileNet. The common one inherits from Convolution, so that `num_output` and `group`
    have to be written, and heeds `dilation` in the size of its top alone, not in what it computes;
    here it is Convolution's. Others read neither field; one of them keeps a weight of
    C x kernel_h x kernel_w. ConvolutionDepthwise is another fork's layer for the same.
    """

    bottoms = at_least(1)
    tops = at_least(1)
    absorbs_affine = True
    examples = (
        Example(
            "convolution_param { num_output: 4 group: 4 kernel_size: 3 pad: 1 stride: 2 }",
            [(2, 4, 7, 6)],
            [(2, 4, 4, 3)],
            40,
        ),
        Example(
            "convolution_param { kernel_h: 1 kernel_w: 3 dilation: 2 bias_term: false }",
            [(1, 3, 4, 8)],
            [(1, 3, 4, 4)],
            9,
        ),
        Example("convolution_param { kernel_size: 2 }", [(1, 2, 3, 3)] * 2, [(1, 2, 2, 2)] * 2, 10),
    )

    def signature(self, n: Instance) -> Signature:
        if len(n.ins[0]) != 4:
            n.mismatch("bottom[0]", f"{n.type} takes (N, C, H, W), not {len(n.ins[0])} axes")
        check_bottoms(n)
        channels = n.ins[0][1]
        with n.collect():
            if n.p.axis not in (1, -3):
                n.fault("axis", f"`axis` is {n.p.axis}, but the channels are at 1 here")
            for field in ("num_output", "group"):
                if n.p.HasField(field) and getattr(n.p, field) != channels:
                    text = f"`{field}` is {getattr(n.p, field)}, but a depthwise convolution of "
                    note = "a Convolution has filters that see several channels, or several each"
                    n.fault(field, f"{text}{channels} channels has {channels}", note=note, bottom=0)
            window = convolution_window(n, 2)
        weights = [Weight("weight", (channels, 1, *window.kernel), n.filler("weight_filler"))]
        if n.p.bias_term:
            weights.append(Weight("bias", (channels,), n.filler("bias_filler")))
        top = (*n.ins[0][:2], *convolved_sizes(n, 1, window))
        return Signature([top] * len(n.tops), weights)

    def cost(self, n: Instance) -> Cost:
        """Kernel multiply-accumulates per output, and an addition for the bias."""
        outputs = sum(count(top) for top in n.sig.tops if top is not None)
        taps = count(n.sig.weights[0].shape, 1)
        return Cost(outputs * taps, outputs if n.p.bias_term else 0)

    def torch(self, n: Instance, t: Any) -> Any:
        """A Conv2d whose groups are the channels; for several bottoms, the one that takes them."""
        channels, window = n.ins[0][1], convolution_window(n, 2)
        return (t.nn.Conv2d if len(n.ins) == 1 else t.ops.Convolution)(
            channels,
            channels,
            window.kernel,
            window.stride,
            window.pad,
            window.dilation,
            groups=channels,
            bias=n.p.bias_term,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """A Conv for each bottom."""
        window = convolution_window(n, 2)
        weights = [g.weight(weight.name) for weight in n.sig.weights]
        tops = [
            g.op(
                "Conv",
                value,
                *weights,
                kernel_shape=list(window.kernel),
                strides=list(window.stride),
                pads=[*window.pad, *window.pad],
                dilations=list(window.dilation),
                group=n.ins[0][1],
            )
            for value in ins
        ]
        return tops[0] if len(tops) == 1 else tuple(tops)

    def window(self, n: Instance) -> Window:
        return convolution_window(n, 2)
