"""C3D's deconvolution over frames, rows and columns."""

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
    check_num_output,
    count,
    deconvolved_sizes,
    ignored,
    layer,
    volume_window,
)


@layer("Deconvolution3D", param="convolution3d_param", role="convolution")
class Deconvolution3D(LayerType):
    """Spread every value of a clip over frames, rows and columns: Convolution3D, transposed.

    (N, C, L, H, W) becomes (N, num_output, L', H', W') with

        L' = temporal_stride (L - 1) + kernel_depth - 2 temporal_pad
        H' = stride (H - 1) + kernel_size - 2 pad, and W' likewise

    `kernel_depth` and `kernel_size` must be given; the strides are 1 and the paddings 0 unless they
    are. The weight is C x num_output x kernel_depth x kernel_size x kernel_size, the bias (without
    `bias_term: false`) 1 x 1 x 1 x 1 x num_output. Fillers that are not given leave them 0.

    Easy to get wrong: `pad` makes the top smaller; `group` and `filter_group` have no effect.

    Tran et al., Deep End2End Voxel2Voxel Prediction, 2016.

    Forks: C3D. Its version 1.0 keeps the fields in `convolution_param` of a layer in the V1 format:
    `netdef upgrade` moves them to `convolution3d_param`. A Deconvolution with three spatial axes
    computes the same.
    """

    absorbs_affine = True
    examples = (
        Example(
            "convolution3d_param { num_output: 4 kernel_size: 4 kernel_depth: 2 pad: 1 stride: 2"
            " temporal_stride: 2 }",
            [(2, 3, 2, 3, 2)],
            [(2, 4, 4, 6, 4)],
            388,
        ),
        Example(
            "convolution3d_param { num_output: 2 kernel_size: 2 kernel_depth: 3 temporal_pad: 1"
            " bias_term: false }",
            [(1, 2, 3, 4, 3)],
            [(1, 2, 3, 5, 4)],
            48,
        ),
    )

    def signature(self, n: Instance) -> Signature:
        if len(n.ins[0]) != 5:
            n.mismatch("bottom[0]", f"{n.type} takes (N, C, L, H, W), not {len(n.ins[0])} axes")
        with n.collect():
            check_num_output(n)
            window = volume_window(n)
        filters, channels = n.p.num_output, n.ins[0][1]
        matrix = (channels, filters, *window.kernel)
        weights = [Weight("weight", matrix, n.filler("weight_filler"))]
        if n.p.bias_term:
            weights.append(Weight("bias", (1, 1, 1, 1, filters), n.filler("bias_filler")))
        top = (n.ins[0][0], filters, *deconvolved_sizes(n, 1, window))
        warnings = ignored(n, "group", "filter_group", reason="every filter sees all channels")
        return Signature([top], weights, warnings)

    def cost(self, n: Instance) -> Cost:
        """Kernel x num_output multiply-accumulates per input, a sum per output's bias."""
        (top,) = n.sig.tops
        macs = count(n.ins[0]) * count(n.sig.weights[0].shape, 1)
        return Cost(macs, count(top or ()) if n.p.bias_term else 0)

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
            transposed=True,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """ConvTranspose, with a bias of one axis."""
        window = volume_window(n)
        weights = [g.weight("weight")]
        if n.p.bias_term:
            weights.append(g.op("Reshape", g.weight("bias"), g.constant([-1])))
        return g.op(
            "ConvTranspose",
            ins[0],
            *weights,
            kernel_shape=list(window.kernel),
            strides=list(window.stride),
            pads=[*window.pad, *window.pad],
        )

    def absorb(self, n: Instance) -> Absorb | None:
        """Into the second axis of the weight."""
        del n
        return absorb_outputs(1)
