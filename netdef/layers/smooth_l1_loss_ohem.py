"""Smooth L1 loss that also tells what each position costs."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    alike,
    count,
    ignored,
    layer,
    normalization,
)

_BOX, _MAP = (3, 8, 1, 1), (2, 8, 3, 4)


@layer("SmoothL1LossOHEM", param="smooth_l1_loss_param", role="loss")
class SmoothL1LossOHEM(LayerType):
    """Smooth L1 loss with a choice of divisors, and with what each position costs as a second top.

    The loss is the sum of f(w (a - b)) over all elements, f(x) = 0.5 x^2 where |x| < 1 and
    |x| - 0.5 beyond, divided as `loss_param.normalization` says, but at least by 1: VALID (the
    default) and FULL, N * H * W; BATCH_SIZE, N; NONE, 1; PRE_FIXED, `pre_fixed_normalizer`.

    Bottoms: a and b, both (N, C, H, W); perhaps weights w of the same shape. Axes of size 1 at the
    end may be missing. Tops: the loss, a scalar; if asked for, (N, 1, H, W): f summed over the
    channels, not divided. From it BoxAnnotatorOHEM picks the regions that cost most (online hard
    example mining). a and b get a gradient, through the first top only.

    Easy to get wrong: the loss weight is 0 if not given: without `loss_weight: 1` nothing is
    learned from it. The weights are left out of the gradient, which makes a difference unless they
    are 0 or 1. `sigma` has no effect.

    Source: Dai, Li, He and Sun, R-FCN, 2016; Shrivastava, Gupta and Girshick, Training region-based
    object detectors with online hard example mining, 2016.

    Forks: R-FCN.
    """

    bottoms = range(2, 4)
    tops = range(1, 3)
    no_grad_bottoms = (2,)
    examples = (
        Example("", [_BOX, _BOX], [()]),
        Example(
            "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 128 } loss_weight: 1",
            [_BOX, (3, 8), _BOX],
            [()],
            phase="TRAIN",
        ),
        Example("", [_MAP, _MAP, _MAP], [(), (2, 1, 3, 4)]),
        Example("loss_param { normalization: BATCH_SIZE }", [(3, 8), (3, 8)], [(), (3, 1, 1, 1)]),
        Example("loss_param { normalization: NONE }", [_MAP, _MAP], [()]),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar; the second top has one channel."""
        first = n.ins[0]
        if not 2 <= len(first) <= 4:
            n.mismatch("bottom[0]", f"SmoothL1LossOHEM takes (N, C, H, W), not {len(first)} axes")
        with n.collect():
            for index, shape in enumerate(n.ins[1:], 1):
                if not alike(first, shape):
                    text = f"the shape {shape} differs from {first}, that of `{n.bottoms[0]}`"
                    n.fault(f"bottom[{index}]", text, "shape-mismatch")
        positions = (first[0], 1, *(*first[2:], 1, 1)[:2])
        warnings = ignored(n, "sigma", reason="R-FCN's SmoothL1LossOHEM takes sigma to be 1")
        return Signature([(), positions][: len(n.tops)], warnings=warnings)

    def cost(self, n: Instance) -> Cost:
        """A difference, three products, a comparison and a sum per element; one for weights.

        The second top needs a sum per element of its own.
        """
        each = 6 + (len(n.ins) > 2) + (len(n.tops) > 1)
        return Cost(other=each * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's smooth L1 loss, weighted and divided as R-FCN does."""
        return t.ops.SmoothL1LossOHEM(
            normalization(n),
            divisor=n.message.loss_param.pre_fixed_normalizer,
            costs_top=len(n.tops) > 1,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there is nothing to compare with."""
        n.unsupported("a loss exists only in training")
