"""From a typed net to an ONNX model, layer by layer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from netdef import catalog
from netdef.contract import Unsupported
from netdef.contract.of_layer import instance_of
from netdef.ir import Blob, Layer, Net, Param
from netdef.onnx_backend.batch import Dims
from netdef.onnx_backend.graph import OPSET, GraphBuilder, Value
from netdef.onnx_backend.part import Part
from netdef.passes.places import place_of
from netdef.source import Diagnostic, NetdefError, error

IR_VERSION = 8
"""The file format that opset 17 came with."""

Values = Callable[[Param], Any]
"""Returns the values of a parameter that belongs to its layer, as an array."""

_DRAWING = {
    *("Bernoulli", "Multinomial"),
    *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
}
_FLOAT = ir.TensorType(ir.DataType.FLOAT)


@dataclass(frozen=True)
class Built:
    """A model, and under which names its values are found.

    Attributes:
        model: The model, of opset 17.
        inputs: The graph's inputs by blob name.
        outputs: The graph's outputs by blob name: the blob's own name, but for an input that is
            changed in place, whose name the input has.
    """

    model: ir.Model
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def draws(self) -> bool:
        """Whether the model draws random numbers."""
        return any(
            node.op_type in _DRAWING or _drops(node) for node in self.model.graph.all_nodes()
        )


def build_model(part: Part, dims: Mapping[Blob, Dims], values: Values, version: str = "") -> Built:
    """Write a net in ONNX's operators.

    Blobs keep their names; of the versions of a name the last has it, the others are called
    `NAME#VERSION`. Nodes are called `LAYER` or `LAYER/OPERATOR`, parameters `LAYER/WEIGHT`.

    Args:
        part: The layers, inputs and outputs.
        dims: The sizes of every blob.
        values: The parameters' values.
        version: The version of netdef, to be noted in the model.

    Raises:
        NetdefError: Layers cannot be expressed in ONNX, all of them listed.
    """
    builder = _ModelBuilder(part, dims, values)
    builder.add_layers()
    return builder.finish(version)


class _ModelBuilder:
    def __init__(self, part: Part, dims: Mapping[Blob, Dims], values: Values) -> None:
        self.part = part
        self.net: Net = part.net
        self.dims = dims
        self.param_values = values
        self.blobs: dict[Blob, Value] = {}
        self.params: dict[Param, Value] = {}
        self.faults: list[Diagnostic] = []
        names = {b.name for layer in self.net.layers for b in layer.tops}
        self.g = GraphBuilder(reserved=names)

    def add_layers(self) -> None:
        for blob in self.part.inputs:
            self._add_input(blob)
        for layer in self.net.layers:
            if not layer.source:
                self._add_layer(layer)
        if self.faults:
            raise NetdefError(self.faults)

    def finish(self, version: str) -> Built:
        self._make_outputs_distinct()
        self._name_blobs()
        inputs = [self.blobs[blob] for blob in self.part.inputs]
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
        )

    def _doc_string(self) -> str:
        net = self.net
        source = f" from {net.file.path.rpartition('/')[2]}" if net.file else ""
        return f"{net.name or 'A net'}{source}, phase {net.phase}"

    def _add_input(self, blob: Blob) -> None:
        self.blobs[blob] = Value(name=blob.name)
        self._describe(blob)

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
        if len(self.g.nodes) == start + 1:
            self.g.nodes[start].name = layer.name

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
        named: set[Value] = {self.blobs[blob] for blob in self.part.inputs}
        rest = sorted(self.blobs, key=lambda blob: self.net.blobs[blob.name] is not blob)
        for blob in (*self.part.outputs, *rest):
            value = self.blobs[blob]
            if value in named or value.producer() is None:
                continue
            named.add(value)
            last = self.net.blobs[blob.name] is blob and blob.name not in inputs
            value.name = blob.name if last else self.g.unique(f"{blob.name}#{blob.version}")
            self._describe(blob)

    def _describe(self, blob: Blob) -> None:
        self.blobs[blob].type = _FLOAT
        self.blobs[blob].shape = ir.Shape(self.dims[blob])


def _drops(node: ir.Node) -> bool:
    training_mode = 2
    return node.op_type == "Dropout" and len(node.inputs) > training_mode
