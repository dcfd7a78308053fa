"""Which array belongs to which parameter of a net.

As in Caffe: by layer name. A stored layer that the net lacks is skipped, a layer that the file
lacks keeps its values; where a name is on both sides, number and shapes of the blobs must agree.
"""

from dataclasses import dataclass, field

import numpy as np

from netdef.ir import Layer, Net, Param, Shape, show_shape
from netdef.source import Diagnostic, NetdefError, Span, error, warning
from netdef.weights.fork_forms import note_about, split_fused
from netdef.weights.weights import Array, StoredLayer, Weights

_NAMES_SHOWN = 4


@dataclass(frozen=True)
class Mismatch:
    """A stored layer that does not fit the one of its name in the net.

    Attributes:
        layer: The name.
        stored: The shapes of its blobs in the file.
        wanted: Those in the net.
    """

    layer: str
    stored: tuple[Shape | None, ...]
    wanted: tuple[Shape, ...]


@dataclass(frozen=True)
class Match:
    """What of a weight file goes where.

    Attributes:
        values: Parameter -> its values, of the parameter's shape. Only roots are keys: a shared
            parameter is there once, under its owner.
        missing: Names of the net's layers that have a parameter without values in the file.
        unused: Names of the stored layers with blobs that the net has no layer for.
        copied: Names of the layers that get values from the file.
        mismatched: Layers that were left as they are because some of their blobs do not fit.
        diagnostics: Warnings: those of the weights, and shared parameters stored with values that
            differ.
    """

    values: dict[Param, Array]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    copied: tuple[str, ...] = ()
    mismatched: tuple[Mismatch, ...] = ()


def match_weights(weights: Weights, net: Net, skip_mismatched: bool = False) -> Match:
    """Pair stored arrays with the parameters of a typed net.

    Arrays are not copied. Layers of which the parameters are not known (an unknown type or input
    shape) are left out.

    Args:
        weights: What is stored.
        net: The net.
        skip_mismatched: Whether a layer whose blobs differ in number or shape is left out as a
            whole, instead of being a fault.

    Raises:
        NetdefError: Number or shape of some blobs differ, all listed, or no layer has the name of
            a stored one (rule `weight-mismatch`).
    """
    return _Matcher(split_fused(weights, net), net, skip_mismatched).run()


def fits(stored: Shape, legacy: bool, shape: Shape) -> bool:
    """Whether a stored shape may fill a parameter of another shape.

    It must be the same; one stored as num/channels/height/width is that of the parameter padded
    with 1s on the left, so that (1, 1, 10, 500) fills (10, 500) but (2, 3, 1, 1) not (2, 3).
    """
    if not legacy:
        return stored == shape
    return len(shape) <= len(stored) and (1,) * (len(stored) - len(shape)) + shape == stored


@dataclass
class _Matcher:
    weights: Weights
    net: Net
    skip_mismatched: bool
    values: dict[Param, Array] = field(default_factory=dict)
    giver: dict[Param, str] = field(default_factory=dict)
    faults: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    mismatched: list[Mismatch] = field(default_factory=list)

    def run(self) -> Match:
        # Of layers with one name the first counts, as in Caffe.
        by_name = {layer.name: layer for layer in reversed(self.net.layers)}
        unused: list[str] = []
        for stored in self.weights.layers:
            layer = by_name.get(stored.name)
            if layer is not None and layer.params is not None:
                self._layer(layer, layer.params, stored)
            elif stored.has_blobs:
                unused.append(stored.name)
        if not self.values and not self.faults and not self.mismatched:
            self._strangers(by_name)
        if self.faults:
            raise NetdefError(self.faults)
        missing = [
            layer.name
            for layer in self.net.layers
            if any(param.root not in self.values for param in layer.params or ())
        ]
        found = (*self.weights.diagnostics, *self.warnings)
        return Match(
            values=self.values,
            missing=tuple(missing),
            unused=tuple(dict.fromkeys(unused)),
            diagnostics=found,
            copied=tuple(dict.fromkeys(self.copied)),
            mismatched=tuple(self.mismatched),
        )

    def _layer(self, layer: Layer, params: tuple[Param, ...], stored: StoredLayer) -> None:
        if self.skip_mismatched and not self._fits(params, stored):
            shapes = tuple(None if blob is None else blob.shape for blob in stored.blobs)
            wanted = tuple(param.shape for param in params)
            self.mismatched.append(Mismatch(layer.name, shapes, wanted))
            return
        if not self._count_fits(params, stored):
            self._wrong_count(layer, params, stored)
            return
        for param, blob in zip(params, stored.blobs, strict=False):
            if blob is None:
                continue
            legacy = param.index in stored.legacy
            if fits(blob.shape, legacy, param.shape):
                self._give(layer, param, blob)
                self.copied.append(layer.name)
            else:
                self._wrong_shape(layer, param, blob, legacy)

    def _fits(self, params: tuple[Param, ...], stored: StoredLayer) -> bool:
        return self._count_fits(params, stored) and all(
            blob is None or fits(blob.shape, param.index in stored.legacy, param.shape)
            for param, blob in zip(params, stored.blobs, strict=False)
        )

    def _count_fits(self, params: tuple[Param, ...], stored: StoredLayer) -> bool:
        if not self.weights.omits_shared:
            return len(params) == len(stored.blobs)
        absent = params[len(stored.blobs) :]
        absent += tuple(p for p, b in zip(params, stored.blobs, strict=False) if b is None)
        return len(stored.blobs) <= len(params) and all(p.owner is not None for p in absent)

    def _give(self, layer: Layer, param: Param, blob: Array) -> None:
        root = param.root
        # The sharers' shapes may differ (PERMISSIVE); the memory is the owner's.
        array = blob if blob.shape == root.shape else blob.reshape(root.shape)
        before = self.values.get(root)
        if before is not None and not _equal(before, array):
            text = (
                f"{self._file}layers `{self.giver[root]}` and `{layer.name}` share "
                f"`{param.name}`, but are stored with different values; the latter count"
            )
            self.warnings.append(warning("weight-mismatch", text, _place(layer)))
        self.values[root] = array
        self.giver[root] = layer.name

    def _wrong_count(self, layer: Layer, params: tuple[Param, ...], stored: StoredLayer) -> None:
        text = (
            f"{self._file}layer `{layer.name}` has {_blobs(len(stored.blobs))} "
            f"but {len(params)} in the net"
        )
        self._fault(layer, text, note_about(params, stored))

    def _wrong_shape(self, layer: Layer, param: Param, blob: Array, legacy: bool) -> None:
        how = " (stored as num, channels, height, width)" if legacy else ""
        text = (
            f"{self._file}blob {param.index} of layer `{layer.name}` has the shape "
            f"{show_shape(blob.shape)}{how} but {show_shape(param.shape)} in the net"
        )
        self._fault(layer, text)

    def _fault(self, layer: Layer, text: str, note: str | None = None) -> None:
        note = note or "rename the layer if it is to start afresh: weights are found by its name"
        self.faults.append(error("weight-mismatch", text, _place(layer), note=note))

    def _strangers(self, by_name: dict[str, Layer]) -> None:
        """Say that nothing matches, if something should."""
        wanted = [layer.name for layer in by_name.values() if layer.params][::-1]
        stored = [layer.name for layer in self.weights.layers if layer.has_blobs]
        if not wanted:
            return
        if not stored:
            text = f"{self._file}no layer has any weights"
            self.faults.append(error("weight-mismatch", text))
            return
        text = (
            f"{self._file}none of the layers is in the net: {_some(stored)} are stored, "
            f"the net has {_some(wanted)}"
        )
        note = "weights are found by the layer's name; these may be those of another net"
        self.faults.append(error("weight-mismatch", text, note=note))

    @property
    def _file(self) -> str:
        return f"{self.weights.path}: " if self.weights.path else "weights: "


def _equal(a: Array, b: Array) -> bool:
    same_memory = a.ctypes.data == b.ctypes.data
    return same_memory or np.array_equal(a, b, equal_nan=True)


def _blobs(count: int) -> str:
    return f"{count} blob" if count == 1 else f"{count} blobs"


def _some(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _place(layer: Layer) -> Span | None:
    if layer.node is None:
        return None
    name = layer.node.first("name")
    return getattr(name, "value_span", layer.node.name_span)
