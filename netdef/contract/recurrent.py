"""What recurrent layers share: bottoms, tops, weights, and the loop over the steps in ONNX."""

from typing import Any, ClassVar

from netdef.contract.cost import Cost
from netdef.contract.instance import Instance
from netdef.contract.layer_type import LayerType
from netdef.contract.shapes import count
from netdef.contract.signature import Signature
from netdef.contract.weight import Weight
from netdef.ir import Shape


class RecurrentType(LayerType):
    """Base of the types that go through (T, N, ...), T steps of N sequences, with a memory.

    Bottoms: the input, a marker (T, N), perhaps a static input (N, ...), and with `expose_hidden`
    the first states. Tops: (T, N, num_output), and with `expose_hidden` the last states.
    """

    no_grad_bottoms = (1,)
    states: ClassVar[tuple[str, ...]]
    """What is remembered from step to step, (N, num_output) each."""
    gates: ClassVar[int]
    """Rows of the weights per unit."""
    unit_cost: ClassVar[int]
    """Further operations per step, sequence and unit, markers included."""

    def further_weights(self, n: Instance) -> list[Weight]:
        """Return the weights after the recurrent one."""
        del n
        return []

    def step(self, b: Any, states: list[Any], sums: Any) -> list[Any]:
        """Build one step: from states and the sums of the gates (N, gates x D) to new states."""
        raise NotImplementedError

    def output(self, g: Any, hidden: Any) -> Any:
        """Build what turns the first state of all steps (T, N, D) into the top."""
        del g
        return hidden

    def signature(self, n: Instance) -> Signature:
        """(T, N, num_output), and the states where they are exposed."""
        self._check_counts(n)
        self._check_shapes(n)
        hidden, (steps, sequences) = n.p.num_output, n.ins[0][:2]
        rows, matrix = self.gates * hidden, n.filler("weight_filler")
        weights = [
            Weight("W_x", (rows, count(n.ins[0], 2)), matrix),
            Weight("b", (rows,), n.filler("bias_filler")),
        ]
        if self._static(n):
            weights.append(Weight("W_static", (rows, count(n.ins[2], 1)), matrix))
        weights.append(Weight("W_h", (rows, hidden), matrix))
        states = [(1, sequences, hidden)] * self._exposed(n)
        return Signature(
            [(steps, sequences, hidden), *states], [*weights, *self.further_weights(n)]
        )

    def cost(self, n: Instance) -> Cost:
        """The products, and further operations per step, sequence and unit."""
        hidden, (steps, sequences) = n.p.num_output, n.ins[0][:2]
        # Every further weight matrix is D x D, and used at every step.
        further = sum(count(w.shape) for w in self.further_weights(n) if len(w.shape) > 1)
        rows = self.gates * hidden
        macs = steps * sequences * (rows * (count(n.ins[0], 2) + hidden) + further)
        other = steps * sequences * hidden * self.unit_cost
        if self._static(n):
            macs += rows * count(n.ins[2])
            other += steps * sequences * rows
        return Cost(macs, other)

    def torch(self, n: Instance, t: Any) -> Any:
        """One product for the inputs of all steps, then a loop."""
        return t.ops.Recurrent(
            n.type,
            count(n.ins[0], 2),
            n.p.num_output,
            static_inputs=count(n.ins[2], 1) if self._static(n) else 0,
            exposed=n.p.expose_hidden,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """A Scan over the steps; the operators LSTM and RNN know no marker."""
        x, marker = ins[:2]
        flat = g.op("Reshape", x, g.constant([0, 0, count(n.ins[0], 2)]))
        sums = g.op("Add", _product(g, flat, "W_x"), g.weight("b"))
        if self._static(n):
            static = _product(g, g.op("Flatten", ins[2], axis=1), "W_static")
            sums = g.op("Add", sums, static)
        if n.p.expose_hidden:
            first = [g.op("Squeeze", state, g.constant([0])) for state in ins[-len(self.states) :]]
        else:
            sequences = g.op("Shape", x, start=1, end=2)
            shape = g.op("Concat", sequences, g.constant([n.p.num_output]), axis=0)
            first = [g.op("Expand", g.constant(0.0), shape)] * len(self.states)
        recurrent = g.op("Transpose", g.weight("W_h"), perm=[1, 0])
        flags = g.op("Unsqueeze", marker, g.constant([2]))

        def body(b: Any, states: Any, items: Any) -> Any:
            kept = [b.op("Mul", state, items[1]) for state in states]
            total = b.op("Add", items[0], b.op("MatMul", kept[0], recurrent))
            new = self.step(b, kept, total)
            return new, new[:1]

        last, outputs = g.scan(body, first, [sums, flags])
        top = self.output(g, outputs[0])
        if not n.p.expose_hidden:
            return top
        return top, *(g.op("Unsqueeze", state, g.constant([0])) for state in last)

    def _exposed(self, n: Instance) -> int:
        """Return how many states are bottoms and tops."""
        return len(self.states) if n.p.expose_hidden else 0

    def _static(self, n: Instance) -> bool:
        return len(n.ins) - self._exposed(n) == 3

    def _check_counts(self, n: Instance) -> None:
        """Fault a number of bottoms or tops that does not go with `expose_hidden`."""
        more = self._exposed(n)
        state = "with" if more else "without"
        with n.collect():
            if not n.p.num_output:
                text = f"{n.type} needs `num_output`, the length of its output"
                n.fault("num_output", text, rule="missing-field")
            if len(n.ins) - more not in (2, 3):
                text = f"{n.type} takes {2 + more} or {3 + more} bottoms {state} `expose_hidden`"
                first = "".join(f", first {name}" for name in self.states[:more])
                note = f"input, marker[, static input]{first}"
                n.fault("bottom", f"{text}, not {len(n.ins)}", "bottom-count", note)
            if len(n.tops) != 1 + more:
                text = f"{n.type} has {1 + more} top{'s' * bool(more)} {state} `expose_hidden`"
                n.fault("top", f"{text}, not {len(n.tops)}", "top-count")

    def _check_shapes(self, n: Instance) -> None:
        """Fault bottoms that do not fit the input."""
        x = n.ins[0]
        if len(x) < 2 or not x[0]:
            n.mismatch("bottom[0]", f"the input must be (T, N, ...) with T > 0, but is {x}")
        states = range(len(n.ins) - self._exposed(n), len(n.ins))
        with n.collect():
            if n.ins[1] != x[:2]:
                text = f"the marker must be {x[:2]}, as the input's steps and sequences"
                n.fault("bottom[1]", f"{text}, not {n.ins[1]}", "shape-mismatch")
            if self._static(n) and n.ins[2][:1] != x[1:2]:
                text = f"the static input must be ({x[1]}, ...), one per sequence, not {n.ins[2]}"
                n.fault("bottom[2]", text, "shape-mismatch")
            wanted: Shape = (1, x[1], n.p.num_output)
            for i in states:
                if n.ins[i] != wanted:
                    text = f"a first state must be {wanted}, not {n.ins[i]}"
                    n.fault(f"bottom[{i}]", text, "shape-mismatch", because=("num_output",))


def _product(g: Any, x: Any, weight: str) -> Any:
    return g.op("MatMul", x, g.op("Transpose", g.weight(weight), perm=[1, 0]))
