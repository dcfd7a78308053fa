"""A node of an ONNX graph, as the function that converts it sees it."""

from typing import Any

import numpy as np
import onnx_ir as ir

from netdef.ir import Shape
from netdef.onnx_backend.importing.names import tidy
from netdef.onnx_backend.importing.net_builder import Blob, NetBuilder, Weight
from netdef.onnx_backend.importing.unsupported import refuse
from netdef.onnx_backend.importing.values import constant, shape_of


class Operator:
    """What a converter asks of a node, and adds to the net for it.

    Attributes:
        node: The node.
        type: Its ONNX operator.
        name: What its first layer is called.
    """

    def __init__(self, node: ir.Node, net: NetBuilder, blobs: dict[ir.Value, Blob]) -> None:
        """Hold a node; `blobs` has those of its inputs that are computed."""
        self.node = node
        self.type = node.op_type
        self.name = layer_name(node)
        self._net = net
        self._blobs = blobs
        self._named = False

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute as a plain value; texts as str."""
        found = self.node.attributes.get(name)
        if found is None:
            return default
        if found.type == ir.AttributeType.TENSOR:
            return found.value.numpy()
        return list(found.value) if isinstance(found.value, list | tuple) else found.value

    def given(self, index: int) -> bool:
        """Whether there is an input at this place."""
        return index < len(self.node.inputs) and self.node.inputs[index] is not None

    def used(self, index: int) -> bool:
        """Whether an output is there and read, or an output of the graph."""
        if index >= len(self.node.outputs):
            return False
        value = self.node.outputs[index]
        return bool(value.uses()) or value.is_graph_output()

    def constant(self, index: int) -> Any:
        """Return an input as an array if it is there and known, else None."""
        return constant(self.node.inputs[index]) if self.given(index) else None

    def known(self, index: int, what: str) -> Any:
        """Return an input that must be known, as an array.

        Raises:
            Unsupported: It is computed.
        """
        values = self.constant(index)
        if values is None:
            refuse(f"its {what} must be constant")
        return values

    def weight(self, index: int, what: str) -> Weight:
        """Return a known input as the parameter of a layer.

        Raises:
            Unsupported: It is computed.
        """
        values, source = self.known(index, what), self.node.inputs[index]
        return Weight(values, tidy((source.name if source else "") or ""))

    def integers(self, name: str, index: int) -> list[int] | None:
        """Return a list that is an attribute, or in newer versions an input; None if neither.

        Raises:
            Unsupported: It is computed.
        """
        if name in self.node.attributes:
            found = self.attribute(name)
            return [found] if isinstance(found, int) else found
        if not self.given(index):
            return None
        return [int(value) for value in np.atleast_1d(self.known(index, f"`{name}`"))]

    def shape(self, index: int = 0) -> Shape:
        """Return the sizes of an input.

        Raises:
            Unsupported: They depend on data.
        """
        return _certain(self.node.inputs[index])

    def top_shape(self, index: int = 0) -> Shape:
        """Return the sizes of an output.

        Raises:
            Unsupported: They depend on data.
        """
        return _certain(self.node.outputs[index])

    def whole_numbers(self, index: int = 0) -> bool:
        """Whether an input holds integers."""
        value = self.node.inputs[index]
        return value is not None and value.dtype is not None and value.dtype.is_integer()

    def bottom(self, index: int = 0) -> Blob:
        """Return an input as a blob; a known one becomes the top of a Parameter layer."""
        value = self.node.inputs[index]
        if value is None:
            refuse(f"its input {index} is missing")
        return blob_of(value, self._net, self._blobs)

    def fixed(self, part: str, values: Any) -> Blob:
        """Return a blob that holds an array, from a Parameter layer."""
        return self._net.constant(f"{self.name}/{part}", values)

    def layer(
        self, type: str, *bottoms: Blob, weights: Any = (), part: str = "", **fields: Any
    ) -> Blob:
        """Add a layer with one top and return that.

        Args:
            type: Its type.
            bottoms: What it reads.
            weights: Its parameters in Caffe's order: Weights, or arrays.
            part: What it is called behind the node's name. The first layer without a part is called
                as the node, further ones after their type.
            fields: Its own parameters.
        """
        return self.layers(type, *bottoms, tops=1, weights=weights, part=part, **fields)[0]

    def layers(
        self,
        type: str,
        *bottoms: Blob,
        tops: int,
        weights: Any = (),
        part: str = "",
        **fields: Any,
    ) -> list[Blob]:
        """Add a layer with several tops and return those; otherwise as `layer`."""
        name = self.name
        if part or self._named:
            name = f"{self.name}/{part or type.lower()}"
        else:
            self._named = True
        held = [w if isinstance(w, Weight) else Weight(w) for w in weights]
        return self._net.add(name, type, bottoms, tops, held, fields)


def layer_name(node: ir.Node) -> str:
    """Return what the layer of a node is called: as the node, or else as what it makes."""
    value = next((output.name for output in node.outputs if output.name), None)
    return tidy(node.name or "") or tidy(value or "") or node.op_type.lower()


def blob_of(value: ir.Value, net: NetBuilder, blobs: dict[ir.Value, Blob]) -> Blob:
    """Return the blob of a value; a known value becomes the top of a Parameter layer."""
    if value not in blobs:
        name = tidy(value.name or "") or "constant"
        blobs[value] = net.constant(name, constant(value))
        net.call(blobs[value], name)
    return blobs[value]


def _certain(value: ir.Value | None) -> Shape:
    shape = shape_of(value)
    if shape is None:
        refuse("the sizes of what it reads or makes depend on data")
    return shape
