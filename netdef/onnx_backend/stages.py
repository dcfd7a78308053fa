"""Where a comparison must stop to see that two programs choose alike."""

from collections.abc import Collection, Mapping

from netdef import catalog
from netdef.ir import Blob, Layer
from netdef.onnx_backend.build import Built
from netdef.onnx_backend.part import Part


class Choices:
    """Which layers of a net choose, and which are told a choice.

    A layer chooses when the sizes of its tops depend on the data, or another reads a top as what
    gets no gradient: indices, regions, markers. Reading the shape only does not count.
    """

    def __init__(self, part: Part, built: Built) -> None:
        """Take the part that is exported, and its model."""
        self._part = part
        self._built = built
        self._nodes = dict(built.nodes_of)

    def stages(self, names: Collection[str] = ()) -> list[Mapping[str, str]]:
        """Return what goes into each layer that chooses, and what comes out.

        A choice does not differ a little: two programs that round apart in the last digit choose
        other items. So what they choose from is compared, and then what they choose from the same
        numbers.

        Args:
            names: The names of all values of a model in half precision, where copies in single
                precision are called `NAME/float`.

        Returns:
            Groups of blobs, names in the file by blob name, in the order of execution. Inputs are
            left out, and what is no value of the graph, or whose name an in-place layer took over.
        """
        part, built = self._part, self._built
        made = {value.name for node in built.model.graph for value in node.outputs}
        told: set[Blob] = set(part.inputs)
        stages: list[Mapping[str, str]] = []
        for layer in part.net.layers:
            for blobs in (layer.bottoms, layer.tops) if self._chooses(layer) else ():
                known = (b for b in blobs if b not in told and part.net.blobs[b.name] is b)
                stage = {b.name: built.names[b] for b in known if built.names[b] in made}
                told.update(blobs)
                if stage:
                    copies = {blob: f"{name}/float" for blob, name in stage.items()}
                    stages.append({b: c if (c := copies[b]) in names else stage[b] for b in stage})
        return stages

    def exact_layers(self) -> set[Layer]:
        """Return the layers that half precision would break: which choose, or are told a choice.

        Among numbers of half precision many are equal, and it counts no further than 2048.
        """
        layers = self._part.net.layers
        told = {layer for layer in layers if any(self._is_told(layer, b) for b in layer.bottoms)}
        return told.union(layer for layer in layers if self._chooses(layer))

    def _chooses(self, layer: Layer) -> bool:
        if layer.source:
            return False
        if _is_dynamic(layer):
            return True
        consumers = self._part.net.consumers
        readers = ((reader, top) for top in layer.tops for reader in consumers[top])
        # What a layer that chooses reads is compared with it anyway.
        return any(
            self._is_told(reader, top) and not _is_dynamic(reader) for reader, top in readers
        )

    def _is_told(self, layer: Layer, blob: Blob) -> bool:
        kind = catalog.find(layer.type)
        count = len(layer.bottoms)
        places = {i % count for i in kind.no_grad_bottoms} if kind and count else set[int]()
        if not any(layer.bottoms[place] is blob for place in places):
            return False
        name = self._built.names[blob]
        return any(
            value is not None and value.name == name and node.op_type != "Shape"
            for node in self._nodes.get(layer, ())
            for value in node.inputs
        )


def _is_dynamic(layer: Layer) -> bool:
    kind = catalog.find(layer.type)
    return kind is not None and kind.dynamic
