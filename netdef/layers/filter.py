"""Selection of items of a batch."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Marker,
    Signature,
    at_least,
    count,
    layer,
)


@layer("Filter", param=None, role="shape")
class Filter(LayerType):
    """Keep the items whose selector is not 0.

    The last bottom is the selector, one number per item: (N,), or with more axes of size 1. Every
    other bottom (N, ...) has a top with the items that are kept, in their order. How many these are
    depends on the data, so N is an upper bound of the tops' first size.
    """

    bottoms = at_least(2)
    tops = at_least(1)
    dynamic = True
    no_grad_bottoms = (-1,)
    examples = (
        Example("", [(5, 3, 2), Marker(5)], [(5, 3, 2)]),
        Example("", [(4, 3), (4,), Marker(4, 1, 1)], [(4, 3), (4,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The shapes of all bottoms but the selector's, as upper bounds."""
        *shapes, selector = n.ins
        last = len(shapes)
        with n.collect():
            if len(n.tops) != last:
                text = f"Filter has a top for every bottom but the last: {last}, not {len(n.tops)}"
                n.fault("top", text, rule="top-count")
            if not selector:
                n.fault(f"bottom[{last}]", "the selector has no axes", "shape-mismatch")
            elif any(size != 1 for size in selector[1:]):
                text = f"the selector's axes after the first must be 1, but it is {selector}"
                n.fault(f"bottom[{last}]", text, "shape-mismatch")
            for i, shape in enumerate(shapes):
                if selector and shape[:1] != selector[:1]:
                    text = f"the selector is for {selector[0]} items"
                    text += f", but `{n.bottoms[i]}` has the shape {shape}"
                    n.fault(f"bottom[{i}]", text, "shape-mismatch")
        return Signature(shapes)

    def cost(self, n: Instance) -> Cost:
        """One comparison per item."""
        return Cost(other=count(n.ins[-1]))

    def torch(self, n: Instance, t: Any) -> Any:
        """The rows, found once for all bottoms."""
        return t.ops.Filter()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Compress along axis 0."""
        *blobs, selector = ins
        flat = g.op("Reshape", selector, g.constant([-1])) if len(n.ins[-1]) > 1 else selector
        chosen = g.op("Not", g.op("Equal", flat, g.constant(0.0)))
        kept = tuple(g.op("Compress", blob, chosen, axis=0) for blob in blobs)
        return kept[0] if len(kept) == 1 else kept
