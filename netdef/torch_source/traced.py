"""A net as torch.export's program."""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from netdef.ir import Layer, Net, Shape
from netdef.onnx_backend.feeds import random_feed
from netdef.passes.infer import infer
from netdef.passes.places import place_of
from netdef.source import Diagnostic, NetdefError, error, warning
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.graph import MODULES, build_graph, needed_layers
from netdef.torch_backend.lower import module_name
from netdef.torch_source.names import Names, identifier

_BATCHES = (3, 2, 4)
"""Batches to trace with: torch takes 0 and 1 for special cases."""

Feed = dict[str, Tensor]


@dataclass(frozen=True)
class Traced:
    """A program and what it takes.

    Attributes:
        program: torch's ExportedProgram; it takes the inputs by place, returns a dict by blob name.
        inputs: The names of its inputs, in order.
        batched: Those whose axis 0 may have any size, the same for all.
        feed: The inputs that it was traced with.
        warnings: What could not be kept.
    """

    program: torch.export.ExportedProgram
    inputs: tuple[str, ...]
    batched: tuple[str, ...]
    feed: Feed
    warnings: tuple[Diagnostic, ...] = ()


def trace(exe: Executable) -> Traced:
    """Return a net as a program of torch.export, its batch of any size where the net allows that.

    Recurrent layers start at zero in every pass of it: it keeps nothing from one to the next.

    Args:
        exe: The net, compiled in full precision. Its recurrent layers no longer keep their state.

    Raises:
        NetdefError: The sizes inside a layer depend on the data in a way that torch.export cannot
            follow, or its code is not torch's (rule `not-traceable`); no layer computes an output
            (`no-output`).
    """
    return _Tracer(exe).run()


class _Tracer:
    def __init__(self, exe: Executable) -> None:
        self.exe = exe
        net = self.net = exe.net
        sources = {blob for layer in net.layers if layer.source for blob in layer.tops}
        self.wanted = {n: net.blobs[n] for n in net.outputs if net.blobs[n] not in sources}
        if not self.wanted:
            text = "nothing of this net can be exported: no layer computes an output"
            raise NetdefError(error("no-output", text))
        self.layers = needed_layers(net, [*self.wanted.values()], sources)
        read = {blob for layer in self.layers for blob in layer.bottoms}
        self.inputs = [b for layer in net.layers for b in layer.tops if b in read & sources]
        self.entered: list[Layer] = []

    def run(self) -> Traced:
        module = self._module()
        names = tuple(blob.name for blob in self.inputs)
        warnings = [self._forgets()] if self._steady() else []
        shapes = {blob.name: blob.shape or () for blob in self.inputs}
        batched, larger = _batch(self.net, shapes)
        if batched:
            feed = self._feed(larger)
            program = self._exported(module, feed, batched)
            if program is not None:
                return Traced(program, names, batched, feed, tuple(warnings))
        feed = self._feed(shapes)
        program = self._exported(module, feed, ())
        assert program is not None  # noqa: S101 - with every size fixed it raises instead
        text = "the batch is fixed in the program: the net does not fit another one"
        return Traced(program, names, (), feed, (*warnings, warning("fixed-batch", text)))

    def _module(self) -> nn.Module:
        taken: set[str] = set()
        computed = [layer for layer in self.layers if not layer.source]
        homes = {layer: module_name(layer, taken) for layer in computed}
        names = Names()
        fed = {blob: names.new(identifier(blob.name)) for blob in self.inputs}
        graph = build_graph(computed, homes, [*self.wanted.values()], fed)
        (results,) = graph.output_node().args
        graph.output_node().args = (dict(zip(self.wanted, results, strict=True)),)  # type: ignore
        root = nn.Module()
        modules = self.exe.modules_by_layer
        root.add_module(MODULES, nn.ModuleDict({homes[la]: modules[la] for la in computed}))
        made = fx.GraphModule(root, graph)
        for layer in computed:
            modules[layer].register_forward_pre_hook(self._entering(layer))
        return made

    def _entering(self, layer: Layer) -> Callable[..., None]:
        def note(*_: Any) -> None:
            self.entered.append(layer)

        return note

    def _steady(self) -> bool:
        """Let layers keep nothing from one pass to the next; return whether there are such."""
        kept = [m for m in self.exe.modules() if hasattr(m, "keeps_state")]
        for module in kept:
            module.keeps_state = False  # type: ignore[assignment]
        return bool(kept)

    def _forgets(self) -> Diagnostic:
        text = "the program starts every pass at zero: it keeps no state of recurrent layers"
        note = "with `expose_hidden` the state is an input and an output"
        return warning("no-state", text, note=note)

    def _feed(self, shapes: Mapping[str, Shape]) -> Feed:
        arrays = random_feed(self.net, shapes)
        like = self.exe.device
        return {name: torch.from_numpy(values).to(like) for name, values in arrays.items()}

    def _exported(
        self, module: nn.Module, feed: Feed, batched: Sequence[str]
    ) -> torch.export.ExportedProgram | None:
        """Trace; None if sizes that should vary are fixed inside."""
        size = torch.export.Dim("N", min=1)
        dims = tuple({0: size} if blob.name in batched else None for blob in self.inputs)
        args = tuple(feed[blob.name] for blob in self.inputs)
        self.entered.clear()
        try:
            with torch.no_grad(), _quietly():
                return torch.export.export(module, args, dynamic_shapes=dims)
        except Exception as fault:  # torch raises exceptions of many kinds
            if batched:
                return None
            raise self._refusal(fault) from fault

    def _refusal(self, fault: Exception) -> NetdefError:
        layer = self.entered[-1] if self.entered else None
        reason = str(fault).strip().split("\n")[0]
        if layer is None:
            return NetdefError(error("not-traceable", f"torch.export refuses the net: {reason}"))
        text = f"torch.export cannot follow layer `{layer.name}`: {reason}"
        note = "what it does depends on the data; export it as `.py`, which can hold it"
        return NetdefError(error("not-traceable", text, place_of(layer, "type"), note=note))


@contextmanager
def _quietly() -> Generator[None]:
    """Keep torch from logging the whole graph where it gives up: that becomes our own error."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _batch(net: Net, shapes: Mapping[str, Shape]) -> tuple[tuple[str, ...], dict[str, Shape]]:
    """Return the inputs whose axis 0 may vary together, and shapes with another size there."""
    own = next((shape[0] for shape in shapes.values() if shape), 0)
    names = tuple(name for name, shape in shapes.items() if shape and shape[0] == own)
    for size in _BATCHES:
        if not names or size == own:
            continue
        larger = {n: (size, *s[1:]) if n in names else s for n, s in shapes.items()}
        again = infer(net.replace(diagnostics=()), larger)
        if not again.has_errors and _same_params(net, again):
            return names, larger
    return (), dict(shapes)


def _same_params(net: Net, again: Net) -> bool:
    return all(
        [p.shape for p in a.params or ()] == [p.shape for p in b.params or ()]
        for a, b in zip(net.layers, again.layers, strict=True)
    )
