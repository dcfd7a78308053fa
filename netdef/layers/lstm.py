"""Long short-term memory."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Marker,
    Signature,
    Weight,
    count,
    layer,
)

_STATES = 2
"""The output and the cell."""


@layer("LSTM", param="recurrent_param", role="recurrent")
class LSTM(LayerType):
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
    rows are in the order i, f, o, g.

    h and c start at zero. After a forward pass the layer keeps them, and where the marker of the
    first step is 1 the next pass goes on from them, without a gradient into the pass before. Feed
    a 0 at the first step for passes that know nothing of each other. With `expose_hidden` nothing
    is kept: two more bottoms are the first h and c, two more tops the last ones, (1, N, D) each. An
    ONNX graph has no memory: there every run starts at zero, or from the exposed states.

    Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; Donahue et al., Long-term Recurrent
    Convolutional Networks for Visual Recognition and Description, 2015.
    """

    bottoms = range(2, 6)
    tops = range(1, 4)
    no_grad_bottoms = (1,)
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

    def signature(self, n: Instance) -> Signature:
        """(T, N, num_output), and the states where they are exposed."""
        _check_counts(n)
        _check_shapes(n)
        hidden, (steps, sequences) = n.p.num_output, n.ins[0][:2]
        matrix, bias = n.filler("weight_filler"), n.filler("bias_filler")
        weights = [
            Weight("W_xc", (4 * hidden, count(n.ins[0], 2)), matrix),
            Weight("b_c", (4 * hidden,), bias),
        ]
        if _has_static(n):
            weights.append(Weight("W_xc_static", (4 * hidden, count(n.ins[2], 1)), matrix))
        weights.append(Weight("W_hc", (4 * hidden, hidden), matrix))
        states = [(1, sequences, hidden)] * (_STATES if n.p.expose_hidden else 0)
        return Signature([(steps, sequences, hidden), *states], weights)

    def cost(self, n: Instance) -> Cost:
        """The products, and 15 further operations per step, sequence and unit."""
        hidden, (steps, sequences) = n.p.num_output, n.ins[0][:2]
        macs = steps * sequences * 4 * hidden * (count(n.ins[0], 2) + hidden)
        # Bias, activations, cell, output, marker.
        other = steps * sequences * hidden * (4 + 4 + 3 + 2 + 2)
        if _has_static(n):
            macs += 4 * hidden * count(n.ins[2])
            other += steps * sequences * 4 * hidden
        return Cost(macs, other)

    def torch(self, n: Instance, t: Any) -> Any:
        """One product for the inputs of all steps, then a loop."""
        return t.ops.LSTM(
            count(n.ins[0], 2),
            n.p.num_output,
            static_inputs=count(n.ins[2], 1) if _has_static(n) else 0,
            exposed=n.p.expose_hidden,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """A Scan over the steps; the operator LSTM knows no marker."""
        hidden, (x, marker) = n.p.num_output, ins[:2]
        flat = g.op("Reshape", x, g.constant([0, 0, count(n.ins[0], 2)]))
        product = g.op("MatMul", flat, g.op("Transpose", g.weight("W_xc"), perm=[1, 0]))
        gates = g.op("Add", product, g.weight("b_c"))
        if _has_static(n):
            matrix = g.op("Transpose", g.weight("W_xc_static"), perm=[1, 0])
            gates = g.op("Add", gates, g.op("MatMul", g.op("Flatten", ins[2], axis=1), matrix))
        if n.p.expose_hidden:
            first = [g.op("Squeeze", state, g.constant([0])) for state in ins[-_STATES:]]
        else:
            sequences = g.op("Shape", x, start=1, end=2)
            shape = g.op("Concat", sequences, g.constant([hidden]), axis=0)
            zeros = g.op("Expand", g.constant(0.0), shape)
            first = [zeros, zeros]
        recurrent = g.op("Transpose", g.weight("W_hc"), perm=[1, 0])
        flags = g.op("Unsqueeze", marker, g.constant([2]))

        def step(b: Any, states: Any, items: Any) -> Any:
            h, c = (b.op("Mul", state, items[1]) for state in states)
            sums = b.op("Add", items[0], b.op("MatMul", h, recurrent))
            i, f, o, new = b.op("Split", sums, outputs=4, axis=1)
            i, f, o = (b.op("Sigmoid", gate) for gate in (i, f, o))
            c = b.op("Add", b.op("Mul", f, c), b.op("Mul", i, b.op("Tanh", new)))
            h = b.op("Mul", o, b.op("Tanh", c))
            return [h, c], [h]

        last, outputs = g.scan(step, first, [gates, flags])
        if not n.p.expose_hidden:
            return outputs[0]
        return outputs[0], *(g.op("Unsqueeze", state, g.constant([0])) for state in last)


def _has_static(n: Instance) -> bool:
    return len(n.ins) - (_STATES if n.p.expose_hidden else 0) == 3


def _check_counts(n: Instance) -> None:
    """Fault a number of bottoms or tops that does not go with `expose_hidden`."""
    exposed = n.p.expose_hidden
    more = _STATES if exposed else 0
    state = "with" if exposed else "without"
    with n.collect():
        if not n.p.num_output:
            text = f"{n.type} needs `num_output`, the length of its output"
            n.fault("num_output", text, rule="missing-field")
        if len(n.ins) - more not in (2, 3):
            text = f"{n.type} takes {2 + more} or {3 + more} bottoms {state} `expose_hidden`"
            note = "input, marker[, static input]" + (", first h, first c" if exposed else "")
            n.fault("bottom", f"{text}, not {len(n.ins)}", "bottom-count", note)
        if len(n.tops) != 1 + more:
            text = f"{n.type} has {1 + more} top{'s' * exposed} {state} `expose_hidden`"
            n.fault("top", f"{text}, not {len(n.tops)}", "top-count")


def _check_shapes(n: Instance) -> None:
    """Fault bottoms that do not fit the input."""
    x = n.ins[0]
    if len(x) < 2 or not x[0]:
        n.mismatch("bottom[0]", f"the input must be (T, N, ...) with T > 0, but is {x}")
    sequences = x[1]
    with n.collect():
        if n.ins[1] != x[:2]:
            text = f"the marker must be {x[:2]}, as the input's steps and sequences, not {n.ins[1]}"
            n.fault("bottom[1]", text, "shape-mismatch")
        if _has_static(n) and n.ins[2][:1] != (sequences,):
            text = f"the static input must be ({sequences}, ...), one per sequence, not {n.ins[2]}"
            n.fault("bottom[2]", text, "shape-mismatch")
        if n.p.expose_hidden:
            wanted = (1, sequences, n.p.num_output)
            for i in range(len(n.ins) - _STATES, len(n.ins)):
                if n.ins[i] != wanted:
                    text = f"a first state must be {wanted}, not {n.ins[i]}"
                    n.fault(f"bottom[{i}]", text, "shape-mismatch")
