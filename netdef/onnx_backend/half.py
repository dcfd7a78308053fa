"""Half precision: an ONNX model's weights and arithmetic in float16, its inputs and outputs not.

Where ONNX knows an operator for float32 only, where a constant does not fit, and inside loops, the
numbers are float32, with casts around.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, numpy_helper

LARGEST = 65504.0
"""The largest number of float16."""

_LEAST = 2.0**-14
"""The least that is not denormal."""
_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_HALF_TYPE, _FLOAT_TYPE = "tensor(float16)", "tensor(float)"


def to_half(
    proto: ModelProto, weights: dict[str, Any], exact: Collection[str] = ()
) -> dict[str, Any]:
    """Change a model to half precision, in place.

    Values keep their names; the copy of a value in the other precision is called `NAME/half` where
    the name is an input's or output's or belongs to a value of float32, otherwise `NAME/float`.

    Args:
        proto: The model, without its large weights: these are inputs of their names.
        weights: These weights by name.
        exact: Names of nodes that go on computing in float32.

    Returns:
        The weights, those that fit as float16.
    """
    conversion = _Conversion(proto, weights, exact)
    conversion.convert_constants()
    conversion.convert_nodes()
    conversion.convert_types()
    return conversion.weights


class _Conversion:
    def __init__(self, proto: ModelProto, weights: dict[str, Any], exact: Collection[str]) -> None:
        self.graph = proto.graph
        self.weights = dict(weights)
        self.exact = exact
        self.opset = proto.opset_import[0].version
        self.floats = _floats(proto)
        given = {value.name for value in self.graph.input} - set(weights)
        self.outer = given | {value.name for value in self.graph.output}
        self.halves: set[str] = set()  # values that are made in half precision
        self.unfit: set[str] = set()
        self.copied: set[tuple[str, bool]] = set()

    def convert_constants(self) -> None:
        for index, tensor in enumerate(self.graph.initializer):
            if tensor.data_type != _FLOAT:
                continue
            array = self._stored(tensor.name, numpy_helper.to_array(tensor))
            self.graph.initializer[index].CopyFrom(numpy_helper.from_array(array, tensor.name))
        for name, array in self.weights.items():
            self.weights[name] = self._stored(name, array)

    def _stored(self, name: str, array: Any) -> Any:
        if not fits(array):
            self.unfit.add(name)
            return array
        self.halves.add(name)
        return array.astype(np.float16)

    def convert_nodes(self) -> None:
        nodes = list(self.graph.node)
        plans = [self._half_parameters(node) for node in nodes]
        self.halves.update(name for _, outputs in plans for name in outputs)
        del self.graph.node[:]
        for node, (inputs, _) in zip(nodes, plans, strict=True):
            self._require_captured(node)
            for index, name in enumerate(node.input):
                if name in self.floats:
                    node.input[index] = self._require(name, index in inputs)
            made = list(node.output)
            for index, name in enumerate(made):
                if name in self.halves:
                    node.output[index] = self._name(name, True)
            self.graph.node.append(node)
            for name in made:
                if name in self.halves and name in self.outer:
                    self._require(name, False)

    def convert_types(self) -> None:
        """Correct what is said of values inside, and of the weights among the inputs."""
        for value in (*self.graph.value_info, *self.graph.input):
            inside = value.name in self.halves and value.name not in self.outer
            if inside:
                value.type.tensor_type.elem_type = _HALF

    def _half_parameters(self, node: NodeProto) -> tuple[set[int], set[str]]:
        """Return which inputs, and which outputs, a node has in half precision."""
        nothing: tuple[set[int], set[str]] = (set(), set())
        if node.name in self.exact or any(name in self.unfit for name in node.input):
            return nothing
        if any(attribute.HasField("g") for attribute in node.attribute):
            return nothing
        schema = onnx.defs.get_schema(node.op_type, self.opset, node.domain)
        allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}

        def variable(parameters: Any, index: int) -> str:
            return parameters[min(index, len(parameters) - 1)].type_str  # the last may repeat

        inputs = {
            index: variable(schema.inputs, index)
            for index, name in enumerate(node.input)
            if name in self.floats
        }
        half = {v for v in inputs.values() if _HALF_TYPE in allowed.get(v, ())}
        outputs = {
            name
            for index, name in enumerate(node.output)
            if name in self.floats and variable(schema.outputs, index) in half
        }
        return {index for index, v in inputs.items() if v in half}, outputs

    def _require_captured(self, node: NodeProto) -> None:
        """Let the bodies of a loop read what they take from outside in float32."""
        for body in _bodies(node):
            for inner in body.node:
                for index, name in enumerate(inner.input):
                    if name in self.floats:
                        inner.input[index] = self._require(name, False)
                self._require_captured(inner)

    def _require(self, name: str, half: bool) -> str:
        """Return the name of a value in the precision asked for, adding a cast for it once."""
        wanted = self._name(name, half)
        if (name in self.halves) != half and (name, half) not in self.copied:
            self.copied.add((name, half))
            self.graph.node.append(
                onnx.helper.make_node(
                    "Cast",
                    [self._name(name, not half)],
                    [wanted],
                    name=f"{name}/{'to_half' if half else 'to_float'}",
                    to=_HALF if half else _FLOAT,
                )
            )
        return wanted

    def _name(self, name: str, half: bool) -> str:
        keeps_float = name in self.outer or name not in self.halves
        if half:
            return f"{name}/half" if keeps_float else name
        return name if keeps_float else f"{name}/float"


def fits(array: Any) -> bool:
    """Return whether float16 can hold them: none is too large, and they are not all too small."""
    sizes = np.abs(array[np.isfinite(array)])
    largest = float(sizes.max(initial=0.0))
    return largest <= LARGEST and (largest == 0 or largest >= _LEAST)


def _floats(proto: ModelProto) -> set[str]:
    """Return the names of the values of the outer graph that are float32."""
    graph = onnx.shape_inference.infer_shapes(proto).graph
    known = (*graph.value_info, *graph.input, *graph.output)
    floats = {value.name for value in known if value.type.tensor_type.elem_type == _FLOAT}
    return floats | {t.name for t in graph.initializer if t.data_type == _FLOAT}


def _bodies(node: NodeProto) -> Iterator[Any]:
    attributes: Iterable[AttributeProto] = node.attribute
    return (attribute.g for attribute in attributes if attribute.HasField("g"))
