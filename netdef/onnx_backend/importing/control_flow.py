"""Nodes with a graph inside, written out: an If whose condition is known, a Scan step by step."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
from onnx_ir import convenience

from netdef.onnx_backend.importing.values import constant, known_value, shape_of

_PLAIN_SCAN = frozenset(("body", "num_scan_inputs"))
"""Attributes of a Scan that goes forward along axis 0 of all its inputs."""


def written_out(node: ir.Node) -> list[ir.Node] | None:
    """Replace a node by what is inside of it, in its graph.

    Returns:
        The nodes that came in its place, in order; None for a node that stays.
    """
    if node.op_type == "If":
        return _chosen(node)
    if node.op_type == "Scan" and _PLAIN_SCAN.issuperset(node.attributes):
        return _steps(node)
    return None


class _Copy:
    """Copies the nodes of a body into a graph, before a node."""

    def __init__(self, before: ir.Node) -> None:
        self.before = before
        self.nodes: list[ir.Node] = []

    def add(
        self,
        type: str,
        inputs: Sequence[ir.Value | None],
        attributes: Sequence[ir.Attr] = (),
        outputs: int = 1,
        name: str = "",
        names: Sequence[str] = (),
    ) -> ir.Node:
        node = ir.Node("", type, inputs, attributes, num_outputs=outputs, name=name)
        for value, called in zip(node.outputs, names, strict=False):
            value.name = called
        if self.before.graph is not None:
            self.before.graph.insert_before(self.before, node)
        self.nodes.append(node)
        return node

    def body(
        self, graph: ir.Graph, known: dict[ir.Value, ir.Value | None], suffix: str
    ) -> list[ir.Value | None]:
        """Copy all nodes of a body and return what its outputs are; `known` maps its inputs."""
        for old in graph:
            inputs = [known.get(v, v) if v is not None else None for v in old.inputs]
            new = self.add(
                old.op_type,
                inputs,
                list(old.attributes.values()),
                len(old.outputs),
                f"{old.name}{suffix}",
                [f"{value.name}{suffix}" if value.name else "" for value in old.outputs],
            )
            known.update(zip(old.outputs, new.outputs, strict=True))
        return [known.get(value, value) for value in graph.outputs]

    def finish(self, results: Sequence[ir.Value | None]) -> list[ir.Node]:
        """Let `results` take the place of the node's outputs."""
        for old, new in zip(self.before.outputs, results, strict=True):
            if new is not None:
                name, old.name = old.name, None
                if new.producer() is not None:
                    new.name = name
                convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
        if self.before.graph is not None:
            self.before.graph.remove(self.before, safe=True)
        return self.nodes


def _chosen(node: ir.Node) -> list[ir.Node] | None:
    condition = constant(node.inputs[0])
    if condition is None:
        return None
    branch = node.attributes["then_branch" if condition.all() else "else_branch"].as_graph()
    copy = _Copy(node)
    return copy.finish(copy.body(branch, {}, ""))


def _steps(node: ir.Node) -> list[ir.Node] | None:
    body, scanned = node.attributes["body"].as_graph(), node.attributes["num_scan_inputs"].as_int()
    states = len(node.inputs) - scanned
    shapes = [shape_of(value) for value in node.inputs[states:]]
    if not shapes or not shapes[0]:
        return None
    count = shapes[0][0]
    copy = _Copy(node)
    axis = _integers(node, "axis", [0])
    items = [_split(copy, value, count, axis) for value in node.inputs[states:]]
    carried = list(node.inputs[:states])
    made: list[list[ir.Value | None]] = [[] for _ in node.outputs[states:]]
    for step in range(count):
        inputs = [*carried, *(parts[step] for parts in items)]
        results = copy.body(body, dict(zip(body.inputs, inputs, strict=True)), f"/{step}")
        carried = results[:states]
        for rows, value in zip(made, results[states:], strict=True):
            rows.append(copy.add("Unsqueeze", [value, axis]).outputs[0])
    joined = [
        copy.add("Concat", rows, [ir.AttrInt64("axis", 0)], name=f"{node.name}/steps").outputs[0]
        for rows in made
    ]
    return copy.finish([*carried, *joined])


def _split(copy: _Copy, value: ir.Value | None, count: int, axis: ir.Value) -> list[ir.Value]:
    if count == 1:
        return [copy.add("Squeeze", [value, axis]).outputs[0]]
    sizes = _integers(copy.before, "sizes", [1] * count)
    parts = copy.add("Split", [value, sizes], [ir.AttrInt64("axis", 0)], count).outputs
    return [copy.add("Squeeze", [part, axis]).outputs[0] for part in parts]


def _integers(node: ir.Node, part: str, values: list[int]) -> ir.Value:
    return known_value(f"{node.name}/{part}{len(values)}", np.array(values, np.int64))
