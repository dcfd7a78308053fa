"""C3D's convolution over frames, rows and columns."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    Window,
    check_num_output,
    convolved_sizes,
    count,
    ignored,
    layer,
    volume_window,
)


@layer("Convolution3D", param="convolution3d_param", role="convolution")
class Convolution3D(LayerType):
    """Slide `num_output` filters over the frames, rows and columns of clips; add a bias to each.

    (N, C, L, H, W) becomes (N, num_output, L', H', W') with

        L' = floor((L + 2 temporal_pad - kernel_depth) / temporal_stride) + 1
        H' = floor((H + 2 pad - kernel_size) / stride) + 1, and W' likewise

    `kernel_depth` and `kernel_size` must be given; the strides are 1 and the paddings 0 unless they
    are. The weight is num_output x C x kernel_depth x kernel_size x kernel_size, the bias (without
    `bias_term: false`) 1 x 1 x 1 x 1 x num_output. Fillers that are not given leave them 0.

    Easy to get wrong: `group` and `filter_group` have no effect. Every filter sees all channels;
    `filter_group` once cut the work into parts.

    Tran et al., Learning Spatiotemporal Features with 3D Convolutional Networks, 2015.

    Forks: C3D. Its version 1.0 writes `layers { type: CONVOLUTION3D convolution_param { ... } }`
    and keeps `kernel_depth`, `temporal_stride`, `temporal_pad` and `filter_group` among the fields
    of `convolution_param`: `netdef upgrade` moves them to `convolution3d_param`, where version 1.1
    has them. A Convolution with three spatial axes computes the same.
    """

    absorbs_affine = True
    examples = (
        Example(
            "convolution3d_param { num_output: 4 kernel_size: 3 kernel_depth: 3 pad: 1"
            " temporal_pad: 1 }",
            [(2, 3, 4, 5, 6)],
            [(2, 4, 4, 5, 6)],
            328,
        ),
        Example(
            "convolution3d_param { num_output: 2 kernel_size: 3 kernel_depth: 2 stride: 2"
            " temporal_stride: 3 bias_term: false }",
            [(1, 2, 6, 6, 8)],
            [(1, 2, 2, 2, 3)],
            72,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        if len(n.ins[0]) != 5:
            n.mismatch("bottom[0]", f"{n.type} takes (N, C, L, H, W), not {len(n.ins[0])} axes")
        with n.collect():
            check_num_output(n)
            window = volume_window(n)
        filters, channels = n.p.num_output, n.ins[0][1]
        matrix = (filters, channels, *window.kernel)
        weights = [Weight("weight", matrix, n.filler("weight_filler"))]
        if n.p.bias_term:
            weights.append(Weight("bias", (1, 1, 1, 1, filters), n.filler("bias_filler")))
        top = (n.ins[0][0], filters, *convolved_sizes(n, 1, window))
        warnings = ignored(n, "group", "filter_group", reason="every filter sees all channels")
        return Signature([top], weights, warnings)

    def cost(self, n: Instance) -> Cost:
        """Kernel x C multiply-accumulates per output, and an addition for the bias."""
        (top,) = n.sig.tops
        outputs, taps = count(top or ()), count(n.sig.weights[0].shape, 1)
        return Cost(outputs * taps, outputs if n.p.bias_term else 0)

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's own, but for the shape of the bias."""
        window = volume_window(n)
        return t.ops.Convolution3D(
            n.ins[0][1],
            n.p.num_output,
            window.kernel,
            window.stride,
            window.pad,
            bias=n.p.bias_term,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Conv, with a bias of one axis."""
        window = volume_window(n)
        weights = [g.weight("weight")]
        if n.p.bias_term:
            weights.append(g.op("Reshape", g.weight("bias"), g.constant([-1])))
        return g.op(
            "Conv",
            ins[0],
            *weights,
            kernel_shape=list(window.kernel),
            strides=list(window.stride),
            pads=[*window.pad, *window.pad],
        )

    def window(self, n: Instance) -> Window:
        return volume_window(n)
