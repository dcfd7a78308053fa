"""Squared difference near zero, absolute difference beyond."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, alike, count, layer

_BOX, _MAP = (3, 8), (2, 8, 3, 4)


@layer("SmoothL1Loss", param="smooth_l1_loss_param", role="loss")
class SmoothL1Loss(LayerType):
    """Sum of a distance that is squared near zero and straight beyond, divided by the batch.

    With N, the first axis, and `sigma` (1):

        1 / N * sum of f(a - b),   f(x) = 0.5 (sigma x)^2       where |x| < 1 / sigma^2
                                          |x| - 0.5 / sigma^2   beyond

    Bottoms: a, b, both (N, ...); weights of the same shape, in one of two forms. Top: a scalar. The
    first two get a gradient. Nothing is divided by the number of elements of an item.

    Easy to get wrong: the square ends at 1 / sigma^2, not at 1 / sigma.

    Source: Girshick, Fast R-CNN, 2015.

    Forks: SSD and Fast R-CNN have a type of this name each. A layer is Fast R-CNN's if it has four
    bottoms or a `smooth_l1_loss_param`, which SSD has not. With two bottoms and without it both are
    the same but for the loss weight, and SSD's is taken.

    - SSD takes a, b and perhaps weights w: the sum is of f(w (a - b)), and w is left out of the
      gradient, which makes a difference unless it is 0 or 1. The loss weight is 1 if not given.
    - Fast R-CNN takes a, b and perhaps two weights: the sum is of w_out f(w_in (a - b)). The loss
      weight is 0 if not given: without `loss_weight: 1` nothing is learned from it.
    """

    bottoms = range(2, 5)
    loss = True
    no_grad_bottoms = (2, 3)
    examples = (
        Example("", [_BOX, _BOX], [()]),
        Example("", [_BOX, (3, 8, 1, 1), _BOX], [()], phase="TRAIN"),
        Example("loss_weight: 1", [_MAP, _MAP, _MAP, _MAP], [()], phase="TRAIN"),
        Example("smooth_l1_loss_param { sigma: 3 } loss_weight: 2", [_MAP, _MAP, _MAP, _MAP], [()]),
        Example("smooth_l1_loss_param { sigma: 0.5 }", [_BOX, _BOX], [()]),
    )

    def counts_as_loss(self, message: Any) -> bool:
        """SSD's form does."""
        return not (len(message.bottom) > 3 or message.HasField("smooth_l1_loss_param"))

    def signature(self, n: Instance) -> Signature:
        """A scalar."""
        first = n.ins[0]
        if not first:
            n.mismatch("bottom[0]", "an axis for the batch is needed")
        with n.collect():
            for index, shape in enumerate(n.ins[1:], 1):
                if not alike(first, shape):
                    text = f"the shape {shape} differs from {first}, that of `{n.bottoms[0]}`"
                    n.fault(f"bottom[{index}]", text, "shape-mismatch")
            if len(n.ins) == 3 and n.message.HasField("smooth_l1_loss_param"):
                text = "Fast R-CNN's form, which `smooth_l1_loss_param` tells, takes two weights"
                note = "give weights inside and outside, or leave out `smooth_l1_loss_param`"
                n.fault(
                    "bottom[2]",
                    text,
                    "bottom-count",
                    note,
                    because=("smooth_l1_loss_param", "sigma"),
                )
            if not n.p.sigma > 0:
                n.fault("sigma", f"`sigma` must be above 0, not {n.p.sigma:g}")
        return Signature([()])

    def cost(self, n: Instance) -> Cost:
        """A difference, three products, a comparison and a sum per element; one per weight."""
        return Cost(other=(6 + len(n.ins) - 2) * count(n.ins[0]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's smooth L1 loss, weighted and divided as Caffe does."""
        return t.ops.SmoothL1Loss(n.p.sigma)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there is nothing to compare with."""
        n.unsupported("a loss exists only in training")
