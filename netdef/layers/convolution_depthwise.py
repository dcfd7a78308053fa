"""Depthwise convolution, as a layer that knows nothing else."""

from typing import Any

from netdef.contract import (
    Absorb,
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    Window,
    absorb_outputs,
    convolution_window,
    convolved_sizes,
    count,
    ignored,
    layer,
)


@layer("ConvolutionDepthwise", param="convolution_param", role="convolution")
class ConvolutionDepthwise(LayerType):
    """Convolve every channel with a filter of its own and add a bias to each.

    (N, C, H, W) becomes (N, C, H', W') with, for rows and for columns,

        H' = floor((H + 2 pad - (dilation (kernel_size - 1) + 1)) / stride) + 1

    The weight is C x 1 x kernel, with C filters whatever the file says: `num_output`, `group` and
    `axis` have no effect, and a value that is not C (or for `axis`, 1) brings a warning.
    `kernel_size`, `stride` (1), `pad` (0) and `dilation` (1) are given once or for rows and columns
    apart, also as `kernel_h` and `kernel_w`, and so on; `bias_term` (true) and the fillers are
    Convolution's.

    Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications, 2017.

    Forks: For MobileNet, ShuffleNet and Xception; its weights are also those of a Convolution with
    `group` and `num_output` C. The fork reads `stride` and `pad` without asking whether they are
    there; here they have Convolution's defaults. DepthwiseConvolution is another fork's layer for
    the same, whose `group` and `num_output` are read.
    """

    absorbs_affine = True
    examples = (
        Example(
            "convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 }",
            [(2, 4, 7, 6)],
            [(2, 4, 4, 3)],
            40,
        ),
        Example(
            "convolution_param { kernel_h: 3 kernel_w: 1 pad_h: 2 pad_w: 0 dilation: 2"
            " bias_term: false group: 3 }",
            [(1, 3, 4, 8)],
            [(1, 3, 4, 8)],
            9,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        if len(n.ins[0]) != 4:
            n.mismatch("bottom[0]", f"{n.type} takes (N, C, H, W), not {len(n.ins[0])} axes")
        channels = n.ins[0][1]
        window = convolution_window(n, 2)
        weights = [Weight("weight", (channels, 1, *window.kernel), n.filler("weight_filler"))]
        if n.p.bias_term:
            weights.append(Weight("bias", (channels,), n.filler("bias_filler")))
        fields = [f for f in ("num_output", "group") if getattr(n.p, f) != channels]
        reason = f"there is one filter for each of the {channels} channels, at axis 1"
        warnings = ignored(n, *fields, "axis", reason=reason)
        top = (*n.ins[0][:2], *convolved_sizes(n, 1, window))
        return Signature([top], weights, warnings)

    def cost(self, n: Instance) -> Cost:
        """Kernel multiply-accumulates per output, and an addition for the bias."""
        (top,) = n.sig.tops
        outputs, taps = count(top or ()), count(n.sig.weights[0].shape, 1)
        return Cost(outputs * taps, outputs if n.p.bias_term else 0)

    def torch(self, n: Instance, t: Any) -> Any:
        """A Conv2d whose groups are the channels."""
        channels, window = n.ins[0][1], convolution_window(n, 2)
        return t.nn.Conv2d(
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
        """Conv."""
        window = convolution_window(n, 2)
        return g.op(
            "Conv",
            ins[0],
            *(g.weight(weight.name) for weight in n.sig.weights),
            kernel_shape=list(window.kernel),
            strides=list(window.stride),
            pads=[*window.pad, *window.pad],
            dilations=list(window.dilation),
            group=n.ins[0][1],
        )

    def window(self, n: Instance) -> Window:
        return convolution_window(n, 2)

    def absorb(self, n: Instance) -> Absorb | None:
        """Into the filters; `axis` has no effect."""
        del n
        return absorb_outputs()
