"""Long short-term memory."""

from typing import Any

from netdef.contract import Example, Marker, RecurrentType, layer


@layer("LSTM", param="recurrent_param", role="recurrent")
class LSTM(RecurrentType):
    """Long short-term memory over the first axis of its input.

    Bottoms: the input (T, N, ...) of T steps of N sequences; a continuation marker (T, N), 0 where
    a sequence begins and 1 where it goes on; optionally a static input (N, ...), the same at every
    step. The top is (T, N, num_output). Every step, with D = num_output, m the marker, and each
    gate with its own D rows of the weights:

        i, f, o = sigmoid(W_xc x + W_xc_static static + b_c + W_hc (m h))
        g       = tanh   (W_xc x + W_xc_static static + b_c + W_hc (m h))
        c       = f * (m c) + i * g
        h       = o * tanh(c)

    The blobs are W_xc (4D, K), b_c (4D), W_xc_static (4D, S) with a static input, W_hc (4D, D); the
    rows are in the order i, f, o, g. `weight_filler` fills the matrices, `bias_filler` the bias;
    without them all are 0. `debug_info` does nothing.

    h and c start at zero. After a forward pass the layer keeps them, and where the marker of the
    first step is 1 the next pass goes on from them, without a gradient into the pass before. Feed
    a 0 at the first step for passes that know nothing of each other. With `expose_hidden` nothing
    is kept: two more bottoms are the first h and c, two more tops the last ones, (1, N, D) each.
    The last ones carry no gradient, as in Caffe. An ONNX graph has no memory: there every run
    starts at zero, or from the exposed states.

    Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; Donahue et al., Long-term Recurrent
    Convolutional Networks for Visual Recognition and Description, 2015.
    """

    bottoms = range(2, 6)
    tops = range(1, 4)
    states = ("h", "c")
    gates = 4
    unit_cost = 4 + 4 + 3 + 2 + 2  # bias, activations, cell, output, markers
    examples = (
        Example("recurrent_param { num_output: 3 }", [(4, 2, 5), Marker(4, 2)], [(4, 2, 3)], 108),
        Example(
            "recurrent_param { num_output: 4 weight_filler { type: 'xavier' } }",
            [(3, 2, 2, 3), Marker(3, 2)],
            [(3, 2, 4)],
            176,
        ),
        Example(
            "recurrent_param { num_output: 3 }",
            [(4, 2, 5), Marker(4, 2), (2, 3, 2)],
            [(4, 2, 3)],
            180,
        ),
        Example(
            "recurrent_param { num_output: 3 expose_hidden: true }",
            [(4, 2, 5), Marker(4, 2), (1, 2, 3), (1, 2, 3)],
            [(4, 2, 3), (1, 2, 3), (1, 2, 3)],
            108,
        ),
        Example(
            "recurrent_param { num_output: 2 expose_hidden: true }",
            [(1, 3, 4), Marker(1, 3), (3, 5), (1, 3, 2), (1, 3, 2)],
            [(1, 3, 2), (1, 3, 2), (1, 3, 2)],
            96,
        ),
    )

    def step(self, b: Any, states: list[Any], sums: Any) -> list[Any]:
        i, f, o, new = b.op("Split", sums, outputs=4, axis=1)
        i, f, o = (b.op("Sigmoid", gate) for gate in (i, f, o))
        c = b.op("Add", b.op("Mul", f, states[1]), b.op("Mul", i, b.op("Tanh", new)))
        return [b.op("Mul", o, b.op("Tanh", c)), c]
