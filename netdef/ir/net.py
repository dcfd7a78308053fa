"""A whole net."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from netdef.ir.blob import Blob
from netdef.ir.layer import Layer
from netdef.ir.param import Param
from netdef.source import Diagnostic, SourceFile


@dataclass(frozen=True, eq=False)
class Net:
    """Layers in order of execution, and how they were selected.

    Attributes:
        name: The name in the file, or "".
        layers: The layers, in the order of the file, which is the order of execution.
        message: The NetParameter.
        phase: "TRAIN" or "TEST".
        level: Level of the state that include and exclude rules are held against.
        stages: Stages of that state.
        file: The file it came from.
        dropped: Layers that the state excludes.
        diagnostics: What was found so far; a loaded net holds only warnings.
    """

    name: str
    layers: tuple[Layer, ...]
    message: Any
    phase: str = "TEST"
    level: int = 0
    stages: tuple[str, ...] = ()
    file: SourceFile | None = None
    dropped: tuple[Layer, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    def replace(self, **changes: Any) -> "Net":
        """Return a copy with other attributes."""
        return replace(self, **changes)

    def reporting(self, *diagnostics: Diagnostic) -> "Net":
        """Return a copy with more diagnostics."""
        return replace(self, diagnostics=self.diagnostics + diagnostics)

    @cached_property
    def blobs(self) -> Mapping[str, Blob]:
        """The last version of every name, in order of first appearance."""
        return {blob.name: blob for layer in self.layers for blob in layer.tops}

    @cached_property
    def params(self) -> Mapping[str, tuple[Param, ...]]:
        """The parameters of every layer that has some, by layer name."""
        return {layer.name: layer.params for layer in self.layers if layer.params}

    @cached_property
    def producers(self) -> Mapping[Blob, Layer]:
        """The layer that makes each blob (each version by itself)."""
        return {blob: layer for layer in self.layers for blob in layer.tops}

    @cached_property
    def consumers(self) -> Mapping[Blob, tuple[Layer, ...]]:
        """The layers that read each blob (each version by itself), in order of execution."""
        readers: dict[Blob, list[Layer]] = {
            blob: [] for layer in self.layers for blob in layer.tops
        }
        for layer in self.layers:
            for blob in dict.fromkeys(layer.bottoms):
                readers.setdefault(blob, []).append(layer)
        return {blob: tuple(layers) for blob, layers in readers.items()}

    @property
    def inputs(self) -> list[str]:
        """Names of the blobs that come from outside, in the order of the file."""
        return [b.name for layer in self.layers if layer.source for b in layer.tops]

    @property
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer reads, sorted, as the reference lists them."""
        return sorted({b.name for b, readers in self.consumers.items() if not readers})

    @property
    def losses(self) -> list[tuple[Blob, float]]:
        """The blobs that count into the objective, with their weights, in order."""
        return [
            (blob, weight)
            for layer in self.layers
            for blob, weight in zip(layer.tops, layer.loss_weights, strict=True)
            if weight
        ]

    def param_count(self) -> int:
        """Number of learnable values: weights and biases, shared ones once, no statistics."""
        return self._count(learnable=True)

    def buffer_count(self) -> int:
        """Number of values that are kept but not learned (BatchNorm's statistics)."""
        return self._count(learnable=False)

    def _count(self, learnable: bool) -> int:
        own = (p for layer in self.layers for p in layer.params or () if p.owner is None)
        return sum(p.count for p in own if p.learnable is learnable)

    @property
    def has_errors(self) -> bool:
        """Whether a fault was found that keeps the net from being used."""
        return any(d.is_error for d in self.diagnostics)
