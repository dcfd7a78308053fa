"""One step of an LSTM."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Marker, Signature, count, layer
from netdef.ir import Shape


@layer("LSTMUnit", param=None, role="recurrent")
class LSTMUnit(LayerType):
    """The gates of one step of an LSTM, without its weights.

    Bottoms: the cell of the step before (1, N, D); the sums of the gates (1, N, 4D), in the order
    i, f, o, g; a continuation marker (1, N), 0 where a sequence begins. Tops: the new cell and the
    output, (1, N, D) each. With m the marker:

        c = m sigmoid(f) c_before + sigmoid(i) tanh(g)
        h = sigmoid(o) tanh(c)

    It has neither fields nor weights. Caffe's LSTM is made of such steps; a net may build one of
    its own from them. The tops are in another order than LSTM's, which gives h before c.

    Hochreiter and Schmidhuber, Long Short-Term Memory, 1997.
    """

    bottoms, tops = 3, 2
    no_grad_bottoms = (2,)
    examples = (
        Example(ins=[(1, 3, 4), (1, 3, 16), Marker(1, 3)], outs=[(1, 3, 4), (1, 3, 4)]),
        Example(ins=[(1, 1, 1), (1, 1, 4), Marker(1, 1)], outs=[(1, 1, 1), (1, 1, 1)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The cell and the output, as the cell before."""
        cell = n.ins[0]
        if len(cell) != 3 or cell[0] != 1:
            n.mismatch("bottom[0]", f"the cell must be (1, N, D), but is {cell}")
        with n.collect():
            _check(n, 1, "the sums of the gates", (1, cell[1], 4 * cell[2]))
            _check(n, 2, "the marker", (1, cell[1]))
        return Signature([cell, cell])

    def cost(self, n: Instance) -> Cost:
        """Per unit: five activations, a product for the marker, three for the cell, one for h."""
        return Cost(other=count(n.ins[0]) * (5 + 1 + 3 + 1))

    def torch(self, n: Instance, t: Any) -> Any:
        return t.ops.LSTMUnit()

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        i, f, o, new = g.op("Split", ins[1], outputs=4, axis=2)
        i, f, o = (g.op("Sigmoid", gate) for gate in (i, f, o))
        kept = g.op("Mul", ins[0], g.op("Unsqueeze", ins[2], g.constant([2])))
        c = g.op("Add", g.op("Mul", f, kept), g.op("Mul", i, g.op("Tanh", new)))
        return c, g.op("Mul", o, g.op("Tanh", c))


def _check(n: Instance, index: int, what: str, wanted: Shape) -> None:
    if n.ins[index] != wanted:
        text = f"{what} must be {wanted}, to fit the cell {n.ins[0]}, not {n.ins[index]}"
        n.fault(f"bottom[{index}]", text, "shape-mismatch")
