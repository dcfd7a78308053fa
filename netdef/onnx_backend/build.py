"""From a typed net to an ONNX model, layer by layer."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from netdef import catalog
from netdef.contract import Unsupported
from netdef.contract.of_layer import instance_of
from netdef.ir import Blob, Layer, Net, Param
from netdef.onnx_backend.batch import Dims
from netdef.onnx_backend.constants import DRAWING, fold_constants
from netdef.onnx_backend.graph import OPSET, GraphBuilder, Value
from netdef.onnx_backend.part import Part
from netdef.onnx_backend.preprocessing import Preprocessing, image_input
from netdef.passes.places import place_of
from netdef.source import Diagnostic, NetdefError, error

IR_VERSION = 8
"""The file format that opset 17 came with."""

Values = Callable[[Param], Any]
"""Returns the values of a parameter that belongs to its layer, as an array."""

_FLOAT = ir.TensorType(ir.DataType.FLOAT)


@dataclass(frozen=True)
class Built:
    """A model, and under which names its values are found.

    Attributes:
        model: The model, of opset 17.
        inputs: The graph's inputs by blob name.
        outputs: The graph's outputs by blob name: the blob's own name, but for an input that is
            changed in place, whose name the input has.
        names: The names of all blobs in the graph.
        nodes_of: Every layer with its nodes, in order.
    """

    model: ir.Model
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    names: Mapping[Blob, str]
    nodes_of: "NodesOf"

    @property
    def draws(self) -> bool:
        """Whether the model draws random numbers."""
        return any(node.op_type in DRAWING or _drops(node) for node in self.model.graph.all_nodes())


def build_model(
    part: Part,
    dims: Mapping[Blob, Dims],
    values: Values,
    version: str = "",
    preprocessing: Preprocessing | None = None,
    open_size: bool = False,
) -> Built:
    """Write a net in ONNX's operators.

    Blobs keep their names; of the versions of a name the last has it, the others are called
    `NAME#VERSION`. Nodes are called `LAYER` or `LAYER/OPERATOR`, parameters `LAYER/WEIGHT`.

    Args:
        part: The layers, inputs and outputs.
        dims: The sizes of every blob.
        values: The parameters' values.
        version: The version of netdef, to be noted in the model.
        preprocessing: What is done to the images that the model takes; None takes what the net
            takes.
        open_size: Whether rows and columns of the inputs may vary.

    Raises:
        NetdefError: Layers cannot be expressed in ONNX, all of them listed.
    """
    builder = _ModelBuilder(part, dims, values, open_size)
    builder.add_inputs(preprocessing)
    builder.add_layers()
    return builder.finish(version)


NodesOf = Sequence[tuple[Layer, Sequence[ir.Node]]]
"""Layers in order, each with its nodes."""


def write_layers(
    part: Part, values: Values
) -> tuple[NodesOf, Mapping[Blob, Value], Collection[Value]]:
    """Write the layers for inputs of any size, without making a model of them.

    Returns:
        The nodes of every layer, the values of the blobs, and the values that are parameters.

    Raises:
        NetdefError: As `build_model`.
    """
    dims = {blob: blob.shape or () for layer in part.net.layers for blob in layer.tops}
    builder = _ModelBuilder(part, dims, values, open_size=True)
    builder.add_inputs(None)
    builder.add_layers()
    return builder.nodes_of, builder.blobs, set(builder.params.values())


class _ModelBuilder:
    def __init__(
        self, part: Part, dims: Mapping[Blob, Dims], values: Values, open_size: bool
    ) -> None:
        self.part = part
        self.net: Net = part.net
        self.dims = dims
        self.param_values = values
        self.blobs: dict[Blob, Value] = {}
        self.params: dict[Param, Value] = {}
        self.inputs: dict[Blob, Value] = {}
        self.nodes_of: list[tuple[Layer, list[ir.Node]]] = []
        self.faults: list[Diagnostic] = []
        names = {b.name for layer in self.net.layers for b in layer.tops}
        self.g = GraphBuilder(reserved=names, open_size=open_size)

    def add_inputs(self, preprocessing: Preprocessing | None) -> None:
        for blob in self.part.inputs:
            self.blobs[blob] = self.inputs[blob] = Value(name=blob.name)
            self._describe(blob)
        if preprocessing is None:
            return
        images = image_input(self.part.inputs)
        fitted = preprocessing.fitted(images.name, images.shape or ())
        if fitted.uint8:
            self.inputs[images].type = ir.TensorType(ir.DataType.UINT8)
        self.g.enter(f"{images.name}/preprocessing", {})
        self.blobs[images] = fitted.nodes(self.g, self.inputs[images])

    def add_layers(self) -> None:
        for layer in self.net.layers:
            if not layer.source:
                self._add_layer(layer)
        if self.faults:
            raise NetdefError(self.faults)

    def finish(self, version: str) -> Built:
        self._fold_constants()
        self._make_outputs_distinct()
        self._name_blobs()
        inputs = list(self.inputs.values())
        outputs = [self.blobs[blob] for blob in self.part.outputs]
        graph = ir.Graph(
            inputs,
            outputs,
            nodes=self.g.nodes,
            initializers=[value for value in self.g.initializers.values() if value.uses()],
            opset_imports={"": OPSET},
            name=self.net.name or "net",
        )
        model = ir.Model(
            graph,
            ir_version=IR_VERSION,
            producer_name="netdef",
            producer_version=version,
            doc_string=self._doc_string(),
        )
        return Built(
            model,
            {b.name: str(v.name) for b, v in zip(self.part.inputs, inputs, strict=True)},
            {b.name: str(v.name) for b, v in zip(self.part.outputs, outputs, strict=True)},
            {blob: str(value.name) for blob, value in self.blobs.items()},
            self.nodes_of,
        )

    def _doc_string(self) -> str:
        net = self.net
        source = f" from {net.file.path.rpartition('/')[2]}" if net.file else ""
        return f"{net.name or 'A net'}{source}, phase {net.phase}"

    def _add_layer(self, layer: Layer) -> None:
        kind = catalog.find(layer.type)
        assert kind is not None  # noqa: S101 - unknown types were refused
        instance = instance_of(layer, catalog.own_message(kind, layer.message))
        start = len(self.g.nodes)
        self.g.enter(layer.name, self._weights(layer))
        try:
            results = kind.onnx(instance, self.g, tuple(self.blobs[b] for b in layer.bottoms))
        except Unsupported as reason:
            text = f"{layer.type} cannot be expressed in ONNX: {reason}"
            self.faults.append(error("unsupported-in-onnx", text, place_of(layer, "type")))
            results = tuple(Value() for _ in layer.tops)  # so that later ones can be listed
        tops = results if isinstance(results, Sequence) else (results,)
        self.blobs.update(zip(layer.tops, tops, strict=True))
        self.nodes_of.append((layer, self.g.nodes[start:]))

    def _weights(self, layer: Layer) -> dict[str, Value]:
        weights: dict[str, Value] = {}
        for param in layer.params or ():
            root = param.root
            if root not in self.params:
                name = self.g.unique(f"{root.layer}/{root.weight}")
                self.params[root] = self.g.initializer(name, self.param_values(root))
            value = self.params[root]
            if param.shape != root.shape:  # shared with another shape
                self.g.enter(layer.name, {})
                value = self.g.op("Reshape", value, self.g.constant(param.shape))
            weights[param.weight] = value
        return weights

    def _fold_constants(self) -> None:
        """Compute what depends on weights only; a layer's only node has the layer's name."""
        replaced = fold_constants(self.g, set(self.params.values()))
        self.blobs = {blob: replaced.get(value, value) for blob, value in self.blobs.items()}
        left = set(self.g.nodes)
        self.nodes_of = [
            (layer, [node for node in nodes if node in left]) for layer, nodes in self.nodes_of
        ]
        for layer, nodes in self.nodes_of:
            for node in nodes:
                node.doc_string = f"{layer.type} {layer.name}"
            if len(nodes) == 1:
                nodes[0].name = layer.name

    def _make_outputs_distinct(self) -> None:
        """Copy outputs that are an input, a constant, or one value under two names."""
        taken: set[Value] = set()
        for blob in self.part.outputs:
            value = self.blobs[blob]
            if value.producer() is None or value in taken:
                self.g.enter(blob.name, {})
                value = self.blobs[blob] = self.g.op("Identity", value)
            taken.add(value)

    def _name_blobs(self) -> None:
        """Give values their blobs' names; where several share one, an output's comes first."""
        inputs = {blob.name for blob in self.part.inputs}
        named: set[Value] = set(self.inputs.values())
        rest = sorted(self.blobs, key=lambda blob: self.net.blobs[blob.name] is not blob)
        for blob in (*self.part.outputs, *rest):
            value = self.blobs[blob]
            if value in named or value.producer() is None:
                continue
            named.add(value)
            last = self.net.blobs[blob.name] is blob and blob.name not in inputs
            if not last and blob in self.inputs:
                continue  # what preprocessing makes of it keeps the name of its node
            value.name = blob.name if last else self.g.unique(f"{blob.name}#{blob.version}")
            self._describe(blob)

    def _describe(self, blob: Blob) -> None:
        self.blobs[blob].type = _FLOAT
        self.blobs[blob].shape = ir.Shape(self.dims[blob])


def _drops(node: ir.Node) -> bool:
    training_mode = 2
    return node.op_type == "Dropout" and len(node.inputs) > training_mode
