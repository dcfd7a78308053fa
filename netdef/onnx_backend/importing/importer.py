"""An ONNX file as the text of a net and its weights."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import common

from netdef.ir import Shape
from netdef.onnx_backend.importing.fold import fold
from netdef.onnx_backend.importing.names import tidy
from netdef.onnx_backend.importing.net_builder import Blob, NetBuilder
from netdef.onnx_backend.importing.operator import Operator, blob_of, layer_name
from netdef.onnx_backend.importing.patterns import put_together
from netdef.onnx_backend.importing.read import fix_shapes, lift, read_model
from netdef.onnx_backend.importing.registry import converter
from netdef.onnx_backend.importing.unsupported import Unsupported
from netdef.onnx_backend.importing.values import shape_of
from netdef.source import Diagnostic, NetdefError, error

_NOBODYS_NAMES = ("", "main_graph", "main", "graph", "torch_jit", "torch-jit-export", "tf2onnx")
"""What exporters call a graph that nobody named."""

_MOVING = frozenset(("Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice"))
_FEW = 2
"""Whole numbers that point into no table are 0 and 1."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the ONNX file.

    Attributes:
        name: Its name there.
        shape: Its sizes.
        type: numpy's name of its type.
        below: Where whole numbers are wanted, what they are below: the rows of the tables that
            they point into. Else None.
    """

    name: str
    shape: Shape
    type: str
    below: int | None


@dataclass(frozen=True, slots=True)
class Converted:
    """A net made of an ONNX file.

    Attributes:
        text: The net as prototxt.
        arrays: Its parameters by layer name, float32, in Caffe's order.
        inputs: What the file reads, by blob name. What nobody needs, or only for its size, which
            is fixed now, is no blob of the net.
        outputs: The names of the file's outputs, by blob name.
        half: Whether the file computes in half precision.
    """

    text: str
    arrays: Mapping[str, list[Any]]
    inputs: Mapping[str, Input]
    outputs: Mapping[str, str]
    half: bool


def convert(
    path: str | os.PathLike[str], batch: int = 1, shapes: Mapping[str, Shape] | None = None
) -> Converted:
    """Make the net that an ONNX file describes.

    Args:
        path: The file.
        batch: The batch size, where the file leaves it open.
        shapes: Shapes of inputs by name, in place of the file's.

    Raises:
        NetdefError: The file cannot be read, sizes are open, or nodes have no Caffe meaning (rule
            `not-in-caffe`), all of them listed.
    """
    proto = read_model(path)
    sizes = fix_shapes(proto, batch, shapes or {})
    model = _tidied(lift(proto))
    name = tidy(model.graph.name or "")
    if name in _NOBODYS_NAMES:
        name = Path(path).stem
    return _Conversion(model, name, sizes).run()


def _tidied(proto: onnx.ModelProto) -> ir.Model:
    """Return the model with functions inlined, constants computed and patterns recognised."""
    model = ir.from_proto(proto)
    for change in (
        common.InlinePass(),
        common.LiftSubgraphInitializersToMainGraphPass(),
        common.RemoveInitializersFromInputsPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.IdentityEliminationPass(),
        common.TopologicalSortPass(),
        common.RemoveUnusedNodesPass(),
    ):
        model = change(model).model
    fold(model.graph, model.opset_imports.get("", 1))
    common.RemoveUnusedNodesPass()(model)
    put_together(model)
    return model


class _Conversion:
    """Goes through the nodes in order."""

    def __init__(self, model: ir.Model, name: str, sizes: Mapping[str, Shape]) -> None:
        self._graph = model.graph
        self._net = NetBuilder(name)
        self._sizes = sizes
        self._blobs: dict[ir.Value, Blob] = {}
        self._faults: list[Diagnostic] = []

    def run(self) -> Converted:
        graph, net = self._graph, self._net
        outputs = [tidy(str(value.name)) for value in graph.outputs]
        net.reserve(outputs)
        inputs: dict[str, Input] = {}
        for value in graph.inputs:
            name = tidy(str(value.name))
            if value.uses() or value in graph.outputs:
                self._blobs[value] = net.input(name, self._sizes[str(value.name)])
                name = self._blobs[value].name
            inputs[name] = self._input(value)
        for node in graph:
            self._node(node)
        if self._faults:
            raise NetdefError(self._faults)
        for value, name in zip(graph.outputs, outputs, strict=True):
            net.call_output(blob_of(value, net, self._blobs), name)
        net.finish()
        names = [str(value.name) for value in graph.outputs]
        half = any(value.dtype == ir.DataType.FLOAT16 for value in graph.initializers.values())
        of_blobs = dict(zip(outputs, names, strict=True))
        return Converted(net.text(), net.arrays(), inputs, of_blobs, half)

    def _node(self, node: ir.Node) -> None:
        """Convert a node, or note why not; then those that read it are looked at all the same."""
        function = converter(node.op_type)
        known = node.domain in ("", "ai.onnx", "netdef")
        try:
            if function is None or not known:
                raise Unsupported("there is no layer for it")
            if not self._follows(node):
                made = function(Operator(node, self._net, self._blobs))
                self._take(node, made if isinstance(made, list) else [made])
        except Unsupported as fault:
            domain = "" if known else f"{node.domain}."
            text = f"node `{layer_name(node)}` ({domain}{node.op_type}) cannot be imported: {fault}"
            self._faults.append(error("not-in-caffe", text))
        for value in node.outputs:
            self._blobs.setdefault(value, Blob())

    def _follows(self, node: ir.Node) -> bool:
        """Whether nothing can be said of a node because of one before it that failed."""
        computed = [v for v in node.inputs if v is not None and v.const_value is None]
        return bool(self._faults) and any(shape_of(value) is None for value in computed)

    def _take(self, node: ir.Node, tops: list[Blob]) -> None:
        final = set(self._graph.outputs)
        for value, blob in zip(node.outputs, tops, strict=False):
            self._blobs[value] = blob
            if value not in final:
                self._net.call(blob, str(value.name))

    def _input(self, value: ir.Value) -> Input:
        kind = value.dtype.numpy() if value.dtype else np.dtype(np.float32)
        name, rows = str(value.name), _rows(value)
        whole = bool(rows) or kind.kind != "f"
        below = min(rows, default=_FEW) if whole else None
        return Input(name, self._sizes[name], kind.name, below)


def _rows(value: ir.Value) -> list[int]:
    """Return how many rows the tables have that a value, or what it is moved to, points into."""
    found: list[int] = []
    for use in value.uses():
        if use.node.op_type == "Gather" and use.idx == 1:
            table = shape_of(use.node.inputs[0])
            axis = use.node.attributes.get_int("axis", 0)
            found.extend([table[axis]] if table else [])
        elif use.node.op_type in _MOVING:
            found.extend(rows for output in use.node.outputs for rows in _rows(output))
    return found
