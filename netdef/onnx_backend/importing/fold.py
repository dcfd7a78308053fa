"""Computing what is known beforehand: constants, and the shape of every value."""

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx.reference import ReferenceEvaluator
from onnx_ir import convenience

from netdef.onnx_backend.importing.control_flow import written_out
from netdef.onnx_backend.importing.values import constant, known_value, shape_of

_RANDOM = frozenset(("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike",
                     "Bernoulli", "Multinomial"))  # fmt: skip
_GRAPHS = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
_SMALL = 4096
"""Values that sizes can follow from are fewer; weights are not handed to shape inference."""


def fold(graph: ir.Graph, opset: int) -> None:
    """Replace every node whose inputs are known by its value, and note all shapes.

    Sizes are constants here: an input's shape is fixed, so what an exporter computes from it is.
    """
    waiting = list(reversed(list(graph)))
    while waiting:
        node = waiting.pop()
        if node.domain not in ("", "ai.onnx"):
            continue
        inside = written_out(node)
        if inside is not None:
            waiting.extend(reversed(inside))
            continue
        values = _known(node, opset)
        if values is not None:
            _replace(graph, node, values)
        else:
            _infer(node, opset)


def _known(node: ir.Node, opset: int) -> list[Any] | None:
    """Return the outputs of a node whose inputs are known, or that only asks for a shape."""
    if node.op_type in ("Shape", "Size"):
        return _sizes(node)
    if node.op_type in _RANDOM or any(attribute.type in _GRAPHS for attribute in _attributes(node)):
        return None
    if any(value is not None and value.const_value is None for value in node.inputs):
        return None
    evaluator = ReferenceEvaluator(ir.to_proto(node), opsets={"": opset})
    feed = {str(value.name): constant(value) for value in node.inputs if value is not None}
    try:
        return list(evaluator.run(None, feed))
    except Exception:  # whatever onnx's reference cannot do stays a node, and is listed as such
        return None


def _attributes(node: ir.Node) -> list[ir.Attr]:
    return list(node.attributes.values())


def _sizes(node: ir.Node) -> list[Any] | None:
    shape = shape_of(node.inputs[0])
    if shape is None:
        return None
    if node.op_type == "Size":
        return [np.array(np.prod(shape, dtype=np.int64))]
    start = node.attributes.get_int("start", 0)
    end = node.attributes.get_int("end", len(shape))
    return [np.array(shape[slice(start, end)], np.int64)]


def _replace(graph: ir.Graph, node: ir.Node, values: list[Any]) -> None:
    for old, array in zip(node.outputs, values, strict=False):
        new = known_value(str(old.name), array)
        convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
        old.name = None
        graph.register_initializer(new)
    graph.remove(node, safe=True)


def _infer(node: ir.Node, opset: int) -> None:
    if any(attribute.type in _GRAPHS for attribute in _attributes(node)):
        return
    used = [value for value in node.inputs if value is not None]
    if any(value.type is None for value in used):
        return
    types = {str(value.name): _type(value) for value in used}
    data = {
        str(value.name): onnx.numpy_helper.from_array(constant(value))
        for value in used
        if value.const_value is not None and value.const_value.size <= _SMALL
    }
    try:
        schema = onnx.defs.get_schema(node.op_type, opset)
        opsets = [onnx.helper.make_opsetid("", opset)]
        found = onnx.shape_inference.infer_node_outputs(
            schema, ir.to_proto(node), types, data, opset_imports=opsets
        )
    except (onnx.defs.SchemaError, onnx.shape_inference.InferenceError):
        return
    for value in node.outputs:
        if value.name in found:
            kind = found[value.name]
            value.type = ir.serde.deserialize_type_proto_for_type(kind)
            value.shape = ir.serde.deserialize_type_proto_for_shape(kind)


def _type(value: ir.Value) -> onnx.TypeProto:
    """Return the type of a value, with its sizes."""
    proto = ir.serde.serialize_type(value.type) if value.type else onnx.TypeProto()
    if value.shape is not None:
        ir.serde.serialize_shape_into(proto, value.shape)
    return proto
