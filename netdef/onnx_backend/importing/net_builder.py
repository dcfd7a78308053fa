"""The net that is being made: layers, blobs, weights, names."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.protobuf import text_format

from netdef import catalog
from netdef.frontend.format import format_document
from netdef.frontend.parse import parse
from netdef.ir import Shape
from netdef.onnx_backend.importing.names import tidy, unique
from netdef.schema import pb
from netdef.source import SourceFile


@dataclass(eq=False)
class Blob:
    """A value of the net.

    Attributes:
        name: Its name, once it is known.
        given: Whether it is an input.
        readers: How many layers read it.
        origin: Where a Reshape made it, what that read, with its shape.
    """

    name: str = ""
    given: bool = False
    readers: int = 0
    origin: "tuple[Blob, Shape] | None" = None


@dataclass(frozen=True)
class Weight:
    """An array for a layer's parameter.

    Attributes:
        values: The array, in Caffe's layout.
        source: Where it comes from. Parameters of one source, not "", are one parameter.
        fixed: Whether training leaves it alone.
    """

    values: Any
    source: str = ""
    fixed: bool = False


@dataclass(eq=False)
class _Layer:
    name: str
    type: str
    bottoms: list[Blob]
    tops: list[Blob]
    weights: list[Weight]
    fields: dict[str, Any]


@dataclass
class NetBuilder:
    """Collects layers in the order of execution.

    Attributes:
        name: The name of the net.
        layers: The layers so far.
    """

    name: str
    layers: list[_Layer] = field(default_factory=list)
    _layer_names: set[str] = field(default_factory=set)
    _blob_names: set[str] = field(default_factory=set)

    def input(self, name: str, shape: Shape) -> Blob:
        """Add an Input layer with one top of the layer's name."""
        fields = {"shape": [{"dim": list(shape)}]}
        (top,) = self.add(name, "Input", [], 1, [], fields)
        top.given = True
        self.call(top, name)
        return top

    def constant(self, name: str, values: Any) -> Blob:
        """Add a Parameter layer whose top is an array that training leaves alone."""
        array = np.asarray(values, np.float32)
        fields = {"shape": {"dim": list(array.shape)}}
        (top,) = self.add(name, "Parameter", [], 1, [Weight(array, fixed=True)], fields)
        return top

    def add(
        self,
        name: str,
        type: str,
        bottoms: Sequence[Blob],
        tops: int,
        weights: Iterable[Weight] = (),
        fields: dict[str, Any] | None = None,
    ) -> list[Blob]:
        """Add a layer and return its tops, which have no names yet.

        Args:
            name: Its name, which a number may be added to.
            type: Its type.
            bottoms: What it reads.
            tops: How many tops it has.
            weights: Its parameters in Caffe's order.
            fields: Its own parameters, as protobuf's constructors take them.
        """
        name = unique(name, self._layer_names)
        self._layer_names.add(name)
        for blob in bottoms:
            blob.readers += 1
        made = [Blob() for _ in range(tops)]
        self.layers.append(_Layer(name, type, list(bottoms), made, list(weights), fields or {}))
        return made

    def call(self, blob: Blob, name: str) -> None:
        """Give a blob a name; one that has a name keeps it."""
        if not blob.name:
            blob.name = unique(tidy(name) or "blob", self._blob_names)
            self._blob_names.add(blob.name)

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names of blobs for those that are called so by `call_output`."""
        self._blob_names.update(names)

    def call_output(self, blob: Blob, name: str) -> None:
        """Give a blob the reserved name of an output, by a layer of its own where it must.

        An output is what no layer reads, and it has one name.
        """
        if blob.given or blob.readers:
            (blob,) = self.add(f"{name}/output", "Split", [blob], 1)
        blob.name = name
        blob.readers += 1  # outside

    def finish(self) -> None:
        """Drop what nobody needs, name what has no name, and silence what nobody reads."""
        for layer in reversed(list(self.layers)):
            if layer.tops and not any(top.readers for top in layer.tops):
                self.layers.remove(layer)
                for bottom in layer.bottoms:
                    bottom.readers -= 1
        for layer in list(self.layers):
            for top in layer.tops:
                self.call(top, layer.name)
            unread = [top for top in layer.tops if not top.readers]
            if unread:
                self.add(f"{layer.name}/unused", "Silence", unread, 0)

    def arrays(self) -> dict[str, list[Any]]:
        """Return the parameters by layer name, float32."""
        return {
            layer.name: [np.asarray(w.values, np.float32, order="C") for w in layer.weights]
            for layer in self.layers
            if layer.weights
        }

    def text(self) -> str:
        """Return the net as prototxt in canonical layout."""
        shared = Counter(w.source for layer in self.layers for w in layer.weights if w.source)
        lines = [text_format.MessageToString(pb.NetParameter(name=self.name), as_utf8=True)]
        for layer in self.layers:
            message = _message(layer, {source for source, uses in shared.items() if uses > 1})
            line = text_format.MessageToString(message, as_one_line=True, as_utf8=True)
            lines.append(f"layer {{ {line} }}\n")
        document, faults = parse(SourceFile("<import>", "".join(lines)))
        assert not faults, faults  # noqa: S101 - protobuf wrote it
        return format_document(document)


def _message(layer: _Layer, shared: set[str]) -> pb.LayerParameter:
    message = pb.LayerParameter(name=layer.name, type=layer.type)
    message.bottom.extend(blob.name for blob in layer.bottoms)
    message.top.extend(blob.name for blob in layer.tops)
    if any(weight.fixed or weight.source in shared for weight in layer.weights):
        for weight in layer.weights:
            param = message.param.add()
            if weight.source in shared:
                param.name = weight.source
            if weight.fixed:
                param.lr_mult = param.decay_mult = 0.0
    if layer.fields:
        kind = catalog.find(layer.type)
        if kind is None:
            raise LookupError(f"there is no layer type {layer.type}")
        own = catalog.own_message(kind, message)
        own.CopyFrom(type(own)(**layer.fields))
    return message
