"""A net that runs."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, fx, nn

from netdef.ir import Blob, Layer, Net, Param, Shape, show_shape
from netdef.passes.infer import infer
from netdef.passes.places import place_of
from netdef.source import NetdefError, error, warning
from netdef.source.suggest import did_you_mean
from netdef.torch_backend.device import choose_device
from netdef.torch_backend.graph import build_graph, needed_layers
from netdef.torch_backend.lower import lower_layers, module_name
from netdef.torch_backend.precision import autocast, check_precision, use_precision
from netdef.torch_backend.sharing import ViewsOfShared

Feed = Mapping[str, Any]
"""Values by blob name: tensors or numpy arrays."""


_BAD_INDEX = ("out of bounds", "index out of range")
"""What torch says of an index in a gathering, and in an embedding."""


_IMAGES = 4
"""Axes of a batch of images."""


class Executable(nn.Module):
    """A net as a torch program; made by `netdef.compile`.

    Every blob can be asked for and only what it needs is computed. Parameters stay live: an
    optimiser may change them. Nothing is computed in place, so autograd works in every phase, and
    `train()` and `eval()` change nothing: the phase is the net's.

    Attributes:
        net: The typed net.
        precision: "fp32", "tf32", "bf16" or "fp16".
    """

    def __init__(
        self,
        net: Net,
        device: str | torch.device | None = None,
        precision: str = "fp32",
        share: "Executable | None" = None,
    ) -> None:
        """Lower `net`; see `netdef.compile`."""
        super().__init__()
        check_precision(precision)
        chosen = choose_device(device)
        self.net = net
        self.precision = precision
        given = {} if share is None else _shared_params(net, share)
        modules = lower_layers(net, chosen, given)
        taken: set[str] = set()
        self._names = {layer: module_name(layer, taken) for layer in modules}
        self.layers = nn.ModuleDict({self._names[layer]: m for layer, m in modules.items()})
        self._homes = _homes(net, modules)
        # An empty tensor that moves with the module tells its device and type.
        self._like: Tensor
        self.register_buffer("_like", torch.empty(0, device=chosen), persistent=False)
        self._programs: dict[tuple[tuple[str, ...], tuple[Blob, ...], bool], _Program] = {}
        self._checked: set[tuple[tuple[str, Shape], ...]] = set()
        self._channels_last = False
        self._compiled: dict[str, Any] | None = None

    @property
    def device(self) -> torch.device:
        """Where the parameters live and inputs are moved to."""
        return self._like.device

    @property
    def params(self) -> dict[str, list[Tensor]]:
        """Parameters and statistics by layer name, in Caffe's order and layout."""
        return {
            name: [self.tensor_of(param) for param in params]
            for name, params in self.net.params.items()
        }

    @property
    def modules_by_layer(self) -> dict[Layer, nn.Module]:
        """The modules of the layers that compute."""
        return {layer: self.layers[name] for layer, name in self._names.items()}

    def tensor_of(self, param: Param) -> Tensor:
        """Return the live values of a parameter of the net; shared ones are their owner's."""
        module, name = self._homes[param.root]
        return getattr(module, name)

    def module_of(self, layer: Layer) -> nn.Module | None:
        """Return the module that a layer of the net runs as; None for one without."""
        return self.layers[self._names[layer]] if layer in self._names else None

    def forward(self, inputs: Feed) -> dict[str, Tensor]:
        """Return every output of the net by name.

        Args:
            inputs: Values for the net's inputs; their sizes may differ from the file's. A value for
                any other blob replaces what would be computed.

        Raises:
            NetdefError: An input is missing, or its shape does not fit the net.
        """
        names = list(self.net.outputs)
        wanted = [self._blob(name) for name in names]
        return dict(zip(names, self._compute(inputs, wanted, whole=True), strict=True))

    def run(self, inputs: Feed, blobs: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return the blobs asked for by name (all of them if None), computing only what they need.

        A name stands for its last version: after its in-place layers.

        Raises:
            NetdefError: As `forward`; or a blob does not exist.
        """
        names = list(self.net.blobs) if blobs is None else list(blobs)
        wanted = [self._blob(name) for name in names]
        return dict(zip(names, self._compute(inputs, wanted), strict=True))

    def trace(self, inputs: Feed, blobs: Iterable[Blob] | None = None) -> dict[Blob, Tensor]:
        """Return values of the net, also those whose name an in-place layer took over.

        Args:
            inputs: As `forward`.
            blobs: The values wanted, in any order; all of them if None.

        Raises:
            NetdefError: As `forward`.
        """
        tops = (top for layer in self.net.layers for top in layer.tops)
        wanted = list(tops if blobs is None else blobs)
        return dict(zip(wanted, self._compute(inputs, wanted), strict=True))

    def program(
        self, inputs: Iterable[str], blobs: Iterable[str]
    ) -> tuple[fx.GraphModule, tuple[str, ...]]:
        """Return what computes blobs from inputs by name, and the names it reads, in order.

        It is what `run` runs, but never compiled. A node that runs a layer has the layer's name and
        type in its `meta`.

        Raises:
            NetdefError: An input is missing, or a blob does not exist.
        """
        fed = tuple(name for name in inputs if name in self.net.blobs)
        return self._graph(fed, [self._blob(name) for name in blobs], whole=False)

    def loss(self, inputs: Feed) -> Tensor:
        """Return the objective: the sum of loss weight times top, over all elements; a scalar.

        Raises:
            NetdefError: As `forward`; or the net has no loss.
        """
        return self.objective(inputs, ())[0]

    def objective(self, inputs: Feed, blobs: Iterable[str]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the objective as `loss` does, and blobs as `run` does, from one pass.

        Raises:
            NetdefError: As `forward`; or the net has no loss.
        """
        losses = self.net.losses
        if not losses:
            note = "add a loss layer, or a `loss_weight` to a layer"
            raise NetdefError(error("no-loss", "this net has no loss in this phase", note=note))
        names = list(blobs)
        wanted = [blob for blob, _ in losses] + [self._blob(name) for name in names]
        values = self._compute(inputs, wanted, whole=True)
        total = sum(
            (value.sum() * weight for value, (_, weight) in zip(values, losses, strict=False)),
            start=torch.zeros((), device=self.device),
        )
        return total, dict(zip(names, values[len(losses) :], strict=True))

    def use_channels_last(self) -> None:
        """Keep images and kernels with the channels innermost, where that is faster.

        It is for convolutions on a CPU, and on the tensor cores of a GPU, which exact float32 does
        not use; elsewhere nothing changes. Results are equal up to rounding.
        """
        suits = self.device.type == "cpu" or self.precision != "fp32"
        if suits and any(isinstance(module, nn.Conv2d) for module in self.modules()):
            self._channels_last = True
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def use_compiler(self, **options: Any) -> None:
        """Let torch.compile make the programs; `options` are its own."""
        self._compiled = options
        self._programs.clear()

    def carried(self) -> list[tuple[Tensor, ...] | None]:
        """Return what each recurrent layer carries from one pass to the next, in order."""
        return [module.state for module in self._recurrent()]

    def carry(self, states: Sequence[tuple[Tensor, ...] | None]) -> None:
        """Let the recurrent layers go on from `states`, as `carried` returned them."""
        for module, state in zip(self._recurrent(), states, strict=True):
            moved = None if state is None else tuple(x.to(self._like) for x in state)
            module.state = moved

    def _recurrent(self) -> list[Any]:
        return [module for module in self.layers.modules() if hasattr(module, "state")]

    def load_weights(self, path: str | Path) -> None:
        """Read weights by layer name from a file; its suffix tells the format.

        Raises:
            NetdefError: The file is missing, damaged, or of another net.
        """
        from netdef.torch_backend.weights import load_weights

        load_weights(self, path)

    def save_weights(self, path: str | Path) -> None:
        """Write all parameters to a file; its suffix tells the format.

        Raises:
            NetdefError: The suffix is unknown, or the file cannot be written.
        """
        from netdef.torch_backend.weights import save_weights

        save_weights(self, path)

    def optimized(self, keep: Iterable[str] = ()) -> "Executable":
        """Return a frozen copy for inference, with the same outputs and fewer layers.

        What the outputs do not need is dropped, BatchNorm and Scale are folded into the layers
        before them, and the parameters get no gradient. Blobs between folded layers are gone.

        Args:
            keep: Names of blobs that must stay, besides the outputs.

        Raises:
            NetdefError: A blob to keep does not exist.
        """
        from netdef.torch_backend.optimize import optimized

        return optimized(self, keep)

    def _blob(self, name: str) -> Blob:
        blob = self.net.blobs.get(name)
        if blob is None:
            text = f"this net has no blob `{name}`"
            raise NetdefError(error("unknown-blob", text, note=did_you_mean(name, self.net.blobs)))
        return blob

    def _compute(self, inputs: Feed, wanted: list[Blob], whole: bool = False) -> tuple[Tensor, ...]:
        """Return the values of blobs; `whole` passes run the layers that write files, too."""
        fed = tuple(name for name in inputs if name in self.net.blobs)
        key = (fed, tuple(wanted), whole)
        if key not in self._programs:
            self._programs[key] = self._program(fed, wanted, whole)
        program = self._programs[key]
        values = {name: self._as_tensor(inputs[name]) for name in program.inputs}
        # Also of those that nobody reads here, or they would seem to be of another batch.
        unread = {name: inputs[name] for name in fed if name not in values}
        self._check_shapes({**values, **unread})
        use_precision(self.precision)
        with autocast(self.precision, self.device):
            try:
                return program.module(*values.values())
            except (IndexError, RuntimeError) as fault:
                if not any(sign in str(fault) for sign in _BAD_INDEX):
                    raise
                text = f"a label or another index in the inputs is out of range: {fault}"
                raise NetdefError(error("bad-index", text)) from fault

    def _program(self, fed: tuple[str, ...], wanted: list[Blob], whole: bool) -> "_Program":
        module, names = self._graph(fed, wanted, whole)
        if self._compiled is not None:
            return _Program(torch.compile(module, **self._compiled), names)  # type: ignore[arg-type]
        return _Program(module, names)

    def _graph(
        self, fed: tuple[str, ...], wanted: list[Blob], whole: bool
    ) -> tuple[fx.GraphModule, tuple[str, ...]]:
        sources = {b.name: b for layer in self.net.layers if layer.source for b in layer.tops}
        blobs = {sources.get(name, self.net.blobs[name]): name for name in fed}
        layers = needed_layers(self.net, wanted, set(blobs), effects=whole)
        read = {b for layer in layers for b in layer.bottoms} | set(wanted)
        made_outside = (b for layer in layers if layer not in self._names for b in layer.tops)
        missing = [b for b in made_outside if b in read and b not in blobs]
        if missing:
            names = " and ".join(f"`{b.name}`" for b in missing)
            known = ", ".join(self.net.inputs)
            text = f"no value is given for {names}"
            raise NetdefError(error("missing-input", text, note=f"inputs of the net: {known}"))
        used = {blob: name for blob, name in blobs.items() if blob in read}
        placeholders = {blob: f"in_{i}" for i, blob in enumerate(used)}
        computed = [layer for layer in layers if layer in self._names]
        graph = build_graph(computed, self._names, wanted, placeholders)
        return fx.GraphModule(self, graph), tuple(used.values())

    def _as_tensor(self, value: Any) -> Tensor:
        if not isinstance(value, Tensor):
            array = np.asarray(value, order="C")
            value = torch.from_numpy(array if array.flags.writeable else array.copy())
        value = value.to(self._like)
        if self._channels_last and value.dim() == _IMAGES:
            return value.contiguous(memory_format=torch.channels_last)
        return value

    def _check_shapes(self, values: Feed) -> None:
        """Infer the net again for shapes not seen before, for a better error than torch's."""
        shapes: dict[str, Shape] = {
            name: tuple(value.shape) if hasattr(value, "shape") else np.shape(value)
            for name, value in values.items()
        }
        key = tuple(shapes.items())
        if key in self._checked:
            return
        inputs = set(self.net.inputs)
        net = infer(
            self.net.replace(diagnostics=()),
            {name: shape for name, shape in shapes.items() if name in inputs},
        )
        faults = [d for d in net.diagnostics if d.is_error]
        for before, after in zip(self.net.layers, net.layers, strict=True):
            for old, new in zip(before.params or (), after.params or (), strict=False):
                if old.shape != new.shape:
                    text = (
                        f"with these inputs, layer `{before.name}` would need a {old.weight} of "
                        f"shape {show_shape(new.shape)}; it has {show_shape(old.shape)}"
                    )
                    faults.append(error("shape-mismatch", text, place_of(before)))
        if faults:
            given = ", ".join(f"{name} {show_shape(shape)}" for name, shape in shapes.items())
            raise NetdefError([*faults, warning("inputs", f"the inputs given were {given}")])
        self._checked.add(key)


class _Program(NamedTuple):
    """A part of the net, ready to run, and the names of the inputs it reads, in order."""

    module: nn.Module
    inputs: tuple[str, ...]


def _homes(net: Net, modules: Mapping[Layer, nn.Module]) -> dict[Param, tuple[nn.Module, str]]:
    """Return the module and the attribute that hold each parameter of its own."""
    homes: dict[Param, tuple[nn.Module, str]] = {}
    for layer in net.layers:
        for param in layer.params or ():
            if param.owner is None:
                module = modules[layer]
                if isinstance(module, ViewsOfShared):
                    module = module.module
                path, _, name = param.weight.rpartition(".")
                homes[param] = (module.get_submodule(path), name)
    return homes


def _shared_params(net: Net, other: Executable) -> dict[Param, Tensor]:
    """Pair the parameters of `net` with those of the layers of the same names in `other`.

    Raises:
        NetdefError: The shapes of a pair differ.
    """
    given: dict[Param, Tensor] = {}
    for name, params in net.params.items():
        for param, theirs in zip(params, other.net.params.get(name, ()), strict=False):
            if param.shape != theirs.shape:
                text = (
                    f"layer `{name}` cannot share its {param.weight}: it has the shape "
                    f"{show_shape(param.shape)} here and {show_shape(theirs.shape)} there"
                )
                raise NetdefError(error("shape-mismatch", text))
            given[param.root] = other.tensor_of(theirs)
    return given
