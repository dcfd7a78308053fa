"""What a graph computes from constants and weights alone: computed once, when it is made."""

from collections.abc import Collection, Mapping
from typing import Any

import onnx
import onnx_ir as ir
from onnx.reference import ReferenceEvaluator

from netdef.onnx_backend.graph import OPSET, GraphBuilder, Value

_SMALL = 1024
"""Bytes that a result may take though nothing becomes free for it."""

DRAWING = frozenset(
    {
        *("Bernoulli", "Multinomial"),
        *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
    }
)
"""Operators that draw random numbers."""


def fold_constants(g: GraphBuilder, weights: Collection[Value]) -> Mapping[Value, Value]:
    """Replace nodes that depend on no input by their results.

    A node stays where the file would grow: where it reads a weight that another node needs as it
    is, or makes much of little. A weight that nobody needs any more leaves its name to what was
    made of it, if that has its shape.

    Args:
        g: The builder of the whole graph; loses nodes and gains constants.
        weights: The constants that are parameters.

    Returns:
        The constants that stand for the values of the nodes that are gone.
    """
    fixed = _fixed(g, weights)
    replaced: dict[Value, Value] = {}
    origins: dict[Value, Value] = {value: value for value in weights}
    for node in list(g.nodes):
        if node not in fixed:
            continue
        inputs = [value for value in node.inputs if value is not None]
        if any(value.const_value is None for value in inputs):
            continue  # it reads a node that stayed
        results = _results(node)
        if _bytes(results) > max(_SMALL, _bytes(_array(value) for value in inputs)):
            continue
        read = [origins[value] for value in inputs if value in origins]
        g.nodes.remove(node)
        for index in range(len(node.inputs)):
            node.replace_input_with(index, None)
        for old, array in zip(node.outputs, results, strict=True):
            new = replaced[old] = g.initializer(str(old.name), array)
            ir.convenience.replace_all_uses_with(old, new)
            alike = [weight for weight in read if weight.shape == new.shape]
            if len(alike) == 1:
                origins[new] = alike[0]
    for new in replaced.values():
        if new in origins and new.uses():
            _take_over_name(g, new, origins[new])
    return replaced


def _fixed(g: GraphBuilder, weights: Collection[Value]) -> set[ir.Node]:
    """Return the nodes that read constants only, and of the weights none that is needed besides."""
    fixed: set[ir.Node] = set()
    made: set[Value] = set()
    for node in g.nodes:
        inputs = [value for value in node.inputs if value is not None]
        if inputs and _is_function(node) and all(v.const_value or v in made for v in inputs):
            fixed.add(node)
            made.update(node.outputs)
    while True:  # a node that stays keeps its weights, and what is made of it
        kept = {w for w in weights if any(use.node not in fixed for use in w.uses())}
        staying = {
            node
            for node in fixed
            if any(
                value is not None
                and (value in kept or (value.const_value is None and value.producer() not in fixed))
                for value in node.inputs
            )
        }
        if not staying:
            return fixed
        fixed -= staying


def _is_function(node: ir.Node) -> bool:
    bodies = any(attribute.type == ir.AttributeType.GRAPH for attribute in node.attributes.values())
    return not bodies and node.op_type not in DRAWING


def _results(node: ir.Node) -> list[Any]:
    proto: onnx.NodeProto = ir.serde.serialize_node(node)
    feed = {str(value.name): _array(value) for value in node.inputs if value is not None}
    return list(ReferenceEvaluator(proto, opsets={"": OPSET}).run(None, feed))


def _array(value: Value) -> Any:
    assert value.const_value is not None  # noqa: S101 - asked of constants only
    return value.const_value.numpy()


def _bytes(arrays: Any) -> int:
    return sum(array.nbytes for array in arrays)


def _take_over_name(g: GraphBuilder, new: Value, weight: Value) -> None:
    if not weight.uses() and g.initializers.get(str(weight.name)) is weight:
        del g.initializers[str(new.name)], g.initializers[str(weight.name)]
        new.name = str(weight.name)
        new.const_value = ir.Tensor(_array(new), name=new.name)
        g.initializers[new.name] = new
