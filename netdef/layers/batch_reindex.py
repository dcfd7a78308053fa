"""Items of a batch in another order."""

from typing import Any

from netdef.contract import Cost, Example, Instance, Labels, LayerType, Signature, layer

_INT64 = 7  # ONNX's number of the type


@layer("BatchReindex", param=None, role="shape")
class BatchReindex(LayerType):
    """Gather items of a batch by their numbers: y[i] = x[items[i]].

    Bottoms: x (N, ...); items (M), whole numbers from 0 to N - 1. Top: (M, ...). An item may be
    taken several times, or never; its gradient is the sum of those of its copies. The numbers get
    none.

    A number that is no item's is an error on a CPU; on a GPU, where finding it would stop the
    program, its item becomes NaN.
    """

    bottoms = 2
    no_grad_bottoms = (1,)
    examples = (
        Example("", [(2, 3, 2), Labels(4, below=2)], [(4, 3, 2)]),
        Example("", [(2, 3, 4, 5), Labels(2, below=2)], [(2, 3, 4, 5)]),
        Example("", [(2,), Labels(6, below=2)], [(6,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The first bottom's shape, with as many items as there are numbers."""
        x, items = n.ins
        if not x:
            n.mismatch("bottom[0]", "BatchReindex needs an axis of items")
        if len(items) != 1:
            text = f"the numbers of the items have one axis, but `{n.bottoms[1]}` is {items}"
            n.mismatch("bottom[1]", text)
        return Signature([(*items, *x[1:])])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """An embedding whose rows are the items."""
        return t.ops.BatchReindex()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Gather."""
        return g.op("Gather", ins[0], g.op("Cast", ins[1], to=_INT64), axis=0)
