"""What exporters take apart, put together again: one file per operator that comes out.

Every file has a function `rewrite(node)` that returns the one node that does what `node` and those
before it do, or None. Each is found by being here.
"""

import pkgutil
from importlib import import_module

import onnx_ir as ir
from onnx_ir import convenience
from onnx_ir.passes.common import RemoveUnusedNodesPass


def put_together(model: ir.Model) -> None:
    """Replace groups of nodes by the operator that they mean."""
    rewrites = [
        import_module(f"{__name__}.{module.name}").rewrite
        for module in pkgutil.iter_modules(__path__)
    ]
    for node in list(model.graph):
        if node.graph is None:  # a pattern took it
            continue
        for rewrite in rewrites:
            new = rewrite(node)
            if new is not None:
                _replace(model.graph, node, new)
                break
    RemoveUnusedNodesPass()(model)


def _replace(graph: ir.Graph, old: ir.Node, new: ir.Node) -> None:
    before, after = old.outputs[0], new.outputs[0]
    new.name = old.name
    after.name, after.shape, after.type = before.name, before.shape, before.type
    before.name = None
    graph.insert_before(old, new)
    convenience.replace_all_uses_with(before, after, replace_graph_outputs=True)
    graph.remove(old, safe=True)
