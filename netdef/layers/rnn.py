"""Simple recurrent network."""

from typing import Any

from netdef.contract import Example, Instance, Marker, RecurrentType, Weight, layer


@layer("RNN", param="recurrent_param", role="recurrent")
class RNN(RecurrentType):
    """Simple recurrent network over the first axis of its input.

    Bottoms: the input (T, N, ...) of T steps of N sequences; a continuation marker (T, N), 0 where
    a sequence begins and 1 where it goes on; optionally a static input (N, ...), the same at every
    step. The top is (T, N, num_output). Every step, with D = num_output and m the marker:

        h   = tanh(W_xh x + W_xh_static static + b_h + W_hh (m h))
        top = tanh(W_ho h + b_o)

    The blobs are W_xh (D, K), b_h (D), W_xh_static (D, S) with a static input, W_hh (D, D),
    W_ho (D, D), b_o (D). `weight_filler` fills the matrices, `bias_filler` both biases; without
    them all are 0. `debug_info` does nothing.

    h starts at zero. After a forward pass the layer keeps it, and where the marker of the first
    step is 1 the next pass goes on from it, without a gradient into the pass before. Feed a 0 at
    the first step for passes that know nothing of each other. With `expose_hidden` nothing is kept:
    one more bottom is the first h, one more top the last one, (1, N, D) each. The last one carries
    no gradient, as in Caffe. An ONNX graph has no memory: there every run starts at zero, or from
    the exposed state.

    Easy to get wrong: the output passes through weights and a tanh of its own, so that the top is
    not h; the last h of `expose_hidden` is.

    Elman, Finding Structure in Time, 1990.
    """

    bottoms = range(2, 5)
    tops = range(1, 3)
    states = ("h",)
    gates = 1
    unit_cost = 1 + 1 + 1 + 2  # marker, bias, tanh; bias and tanh of the output
    examples = (
        Example("recurrent_param { num_output: 3 }", [(4, 2, 5), Marker(4, 2)], [(4, 2, 3)], 39),
        Example(
            "recurrent_param { num_output: 4 weight_filler { type: 'xavier' } }",
            [(3, 2, 2, 3), Marker(3, 2)],
            [(3, 2, 4)],
            64,
        ),
        Example(
            "recurrent_param { num_output: 3 }",
            [(4, 2, 5), Marker(4, 2), (2, 3, 2)],
            [(4, 2, 3)],
            57,
        ),
        Example(
            "recurrent_param { num_output: 3 expose_hidden: true }",
            [(4, 2, 5), Marker(4, 2), (1, 2, 3)],
            [(4, 2, 3), (1, 2, 3)],
            39,
        ),
        Example(
            "recurrent_param { num_output: 2 expose_hidden: true }",
            [(1, 3, 4), Marker(1, 3), (3, 5), (1, 3, 2)],
            [(1, 3, 2), (1, 3, 2)],
            30,
        ),
    )

    def further_weights(self, n: Instance) -> list[Weight]:
        hidden = n.p.num_output
        return [
            Weight("W_o", (hidden, hidden), n.filler("weight_filler")),
            Weight("b_o", (hidden,), n.filler("bias_filler")),
        ]

    def step(self, b: Any, states: list[Any], sums: Any) -> list[Any]:
        del states
        return [b.op("Tanh", sums)]

    def output(self, g: Any, hidden: Any) -> Any:
        matrix = g.op("Transpose", g.weight("W_o"), perm=[1, 0])
        sums = g.op("Add", g.op("MatMul", hidden, matrix), g.weight("b_o"))
        return g.op("Tanh", sums)
