"""What a layer type's `onnx` facet builds with: nodes, constants, weights."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

Value = ir.Value
ScanBody = Callable[
    ["GraphBuilder", tuple[Value, ...], tuple[Value, ...]],
    tuple[Sequence[Value], Sequence[Value]],
]
"""Takes the builder of the body, the states and the slices; returns new states and outputs."""

OPSET = 17
"""The version of ONNX's operators that layers are written in; newer ones are converted to."""


class GraphBuilder:
    """`g` in `LayerType.onnx(n, g, ins)`.

    Attributes:
        nodes: The nodes so far, in order.
        initializers: The constants and weights so far, by name.
        open_size: Whether rows and columns of images may vary. What a layer then computes from the
            sizes it was inferred for must hold for all; where it does not, the sizes stay fixed.
    """

    def __init__(
        self,
        prefix: str = "",
        parent: "GraphBuilder | None" = None,
        reserved: Iterable[str] = (),
        open_size: bool = False,
    ) -> None:
        """Start empty; `prefix` begins the names of nodes and constants; no name is `reserved`."""
        self.open_size = open_size if parent is None else parent.open_size
        self.nodes: list[ir.Node] = []
        self.initializers: dict[str, Value] = {} if parent is None else parent.initializers
        self._weights: dict[str, Value] = {} if parent is None else parent._weights
        self._prefix = prefix
        self._taken: set[str] = set(reserved) if parent is None else parent._taken

    def enter(self, layer: str, weights: Mapping[str, Value]) -> None:
        """Build for another layer: its name begins new names, its weights are at hand."""
        self._prefix = layer
        self._weights = dict(weights)

    def op(self, type: str, *inputs: Value | None, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node and return its value, or a tuple of values when `outputs` is not 1.

        Args:
            type: Name of a standard operator, of opset 17.
            inputs: Its inputs; None for an optional one that is left out.
            outputs: How many outputs it has.
            attributes: Its attributes.
        """
        name = self.unique(f"{self._prefix}/{type}")
        node = ir.node(type, inputs, attributes, num_outputs=outputs, name=name)
        for i, value in enumerate(node.outputs):
            value.name = self.unique(f"{name}:{i}")
        self.nodes.append(node)
        return node.outputs[0] if outputs == 1 else tuple(node.outputs)

    def constant(self, values: Any) -> Value:
        """Return a constant: whole numbers become int64, others float32."""
        array = np.asarray(values)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        elif array.dtype.kind in "iu":
            array = array.astype(np.int64)
        return self.initializer(self.unique(f"{self._prefix}/constant"), array)

    def weight(self, name: str) -> Value:
        """Return one of the layer's weights by the name its signature gives."""
        return self._weights[name]

    def initializer(self, name: str, array: Any) -> Value:
        """Add a constant under a name of its own."""
        value = Value(
            name=name,
            const_value=ir.Tensor(array, name=name),
            shape=ir.Shape(array.shape),
            type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
        )
        self.initializers[name] = value
        return value

    def scan(
        self, body: ScanBody, states: Sequence[Value], items: Sequence[Value]
    ) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
        """Run `body` for every slice of `items` along axis 0, whatever their number.

        Args:
            body: Builds one step: given a builder, the states and one slice of each item (without
                axis 0), returns the new states and the step's outputs. It may use values from
                outside.
            states: The states before the first step.
            items: What is sliced.

        Returns:
            The states after the last step, and the outputs, stacked along axis 0.
        """
        inner = GraphBuilder(self._prefix, parent=self)
        inputs = [
            Value(name=self.unique(f"{self._prefix}/scan_in"), type=ir.TensorType(_FLOAT))
            for _ in (*states, *items)
        ]
        count = len(states)
        new_states, outputs = body(inner, tuple(inputs[:count]), tuple(inputs[count:]))
        # A graph's outputs must be distinct values of its own nodes.
        ends = [inner.op("Identity", value) for value in (*new_states, *outputs)]
        for value in ends:
            value.type = ir.TensorType(_FLOAT)
        graph = ir.Graph(inputs, ends, nodes=inner.nodes, name=self.unique(f"{self._prefix}/body"))
        results = self.op(
            "Scan", *states, *items, outputs=len(ends), body=graph, num_scan_inputs=len(items)
        )
        results = results if isinstance(results, tuple) else (results,)
        return results[:count], results[count:]

    def unique(self, name: str) -> str:
        """Return `name`, or `name_2` and so on where it is taken; and take it."""
        base, number = name, 2
        while name in self._taken:
            name, number = f"{base}_{number}", number + 1
        self._taken.add(name)
        return name


_FLOAT = ir.DataType.FLOAT
