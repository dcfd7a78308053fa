"""Measuring how long a net takes, layer by layer and as a whole."""

from collections.abc import Mapping
from statistics import median
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate

from netdef.analysis import summarize
from netdef.engines import Engine
from netdef.ir import Layer, Net
from netdef.timing.stopwatch import Spans, Stopwatch
from netdef.timing.timing import LayerTime, Timing
from netdef.torch_backend.devices import name_of
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.gradient import layers_with_gradient
from netdef.torch_backend.graph import needed_layers
from netdef.torch_backend.precision import autocast, use_precision

_WARM_UP = 3
"""Passes before those that count: memory is taken, kernels are chosen, programs compiled."""
_FORWARD, _BACKWARD = "forward", "backward"


def measure(
    exe: Executable,
    inputs: Mapping[str, Tensor],
    iterations: int,
    trained: bool = True,
    compiled: Mapping[str, Any] | None = None,
) -> Timing:
    """Time every layer of a net, and whole passes.

    Every pass runs all layers that the outputs need, one after the other on what the layers before
    them made, each forward and then, in the opposite order, each backward: the gradients of its
    parameters and of the bottoms that learn. By turns with it, a whole pass is run as training
    runs it.

    Args:
        exe: The net.
        inputs: Values for its inputs.
        iterations: Passes of each kind that count.
        trained: Whether there are gradients at all.
        compiled: Options of torch.compile for whole passes; None runs them as they are.

    Raises:
        NetdefError: As `Executable.run`.
    """
    inputs = {name: value.to(exe.device) for name, value in inputs.items()}
    in_turn = _InTurn(exe, inputs, trained)
    if compiled is not None:
        exe.use_compiler(**compiled)
    turns: list[Spans] = []
    wholes: list[Spans] = []
    with torch.set_grad_enabled(trained):
        for _ in range(_WARM_UP + iterations):  # by turns, so that both see the same machine
            turns.append(in_turn.measure())
            wholes.append(_whole_pass(exe, inputs))
    whole = _medians(wholes)
    return Timing(
        net=exe.net.name,
        phase=exe.net.phase,
        batch=summarize(exe.net).batch,
        device=str(exe.device),
        device_name=name_of(exe.device),
        precision=exe.precision,
        iterations=iterations,
        compiled=compiled is not None,
        layers=_layers(exe.net, _medians(turns)),
        whole_forward=whole[_FORWARD, ""],
        whole_backward=whole.get((_BACKWARD, "")),
    )


def measure_whole(
    engine: Engine, exe: Executable, inputs: Mapping[str, Tensor], iterations: int, name: str
) -> Timing:
    """Time whole passes of an engine on the CPU that does not tell layers apart.

    Args:
        engine: What computes the outputs.
        exe: The net that it was made from.
        inputs: Values for its inputs.
        iterations: Passes that count.
        name: What the engine is called.

    Raises:
        NetdefError: As `Engine.run`.
    """
    passes: list[Spans] = []
    for _ in range(_WARM_UP + iterations):
        watch = Stopwatch(torch.device("cpu"))
        with watch.measure(_FORWARD):
            engine.run(inputs)
        passes.append(watch.read())
    return Timing(
        net=exe.net.name,
        phase=exe.net.phase,
        batch=summarize(exe.net).batch,
        device="cpu",
        device_name=name_of(torch.device("cpu")),
        precision="fp32",
        iterations=iterations,
        compiled=False,
        layers=(),
        whole_forward=_medians(passes)[_FORWARD, ""],
        whole_backward=None,
        engine=name,
    )


def _medians(passes: list[Spans]) -> Spans:
    return {span: median(p[span] for p in passes[_WARM_UP:]) for span in passes[-1]}


def _wanted(net: Net) -> list[str]:
    return list(dict.fromkeys([*net.outputs, *(blob.name for blob, _ in net.losses)]))


class _InTurn:
    """Runs a net with every layer cut off from the others, and measures each."""

    def __init__(self, exe: Executable, inputs: Mapping[str, Tensor], trained: bool) -> None:
        self._exe = exe
        self._watch = Stopwatch(exe.device)
        self._program, names = exe.program(inputs, _wanted(exe.net))
        learning = layers_with_gradient(exe.net) if trained else []
        self._learning = {layer.name for layer in learning}
        with torch.no_grad():
            given = exe.trace(inputs)  # the inputs too, in the layout that the program wants
        sources = {top.name: top for layer in exe.net.layers if layer.source for top in layer.tops}
        self._inputs = [given[sources[name]] for name in names]

    def measure(self) -> Spans:
        """Run all layers forward, then backward, the last one first."""
        steps = _Steps(self._program, self._watch, self._learning)
        use_precision(self._exe.precision)
        with autocast(self._exe.precision, self._exe.device):
            steps.run(*self._inputs)
        steps.go_back()
        return self._watch.read()


class _Steps(fx.Interpreter):
    """One pass over a program, layer by layer."""

    def __init__(self, program: fx.GraphModule, watch: Stopwatch, learning: set[str]) -> None:
        super().__init__(program)
        self._watch = watch
        self._learning = learning
        self._node: fx.Node
        self._done: list[tuple[str, list[Tensor], list[Tensor]]] = []

    def run_node(self, n: fx.Node) -> Any:
        """Remember which node it is."""
        self._node = n
        return super().run_node(n)

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Run one layer on copies that begin a graph of their own."""
        module = self.fetch_attr(target)
        assert isinstance(module, nn.Module)  # noqa: S101 - it is what such a node calls
        args, kwargs = map_aggregate((args, kwargs), _cut_off)
        name = self._node.meta["layer"]
        with self._watch.measure(_FORWARD, name):
            out = module(*args, **kwargs)
        tops = [out] if isinstance(out, Tensor) else list(out)
        tops = [top for top in tops if top.requires_grad]
        learned = [*args, *kwargs.values(), *module.parameters()]
        learned = [x for x in learned if isinstance(x, Tensor) and x.requires_grad]
        if tops and learned and name in self._learning:
            self._done.append((name, tops, learned))
        return out

    def go_back(self) -> None:
        """Run every layer that has something to learn backward, the last one first."""
        for name, tops, learned in reversed(self._done):
            gradients = [torch.ones_like(top) for top in tops]
            with self._watch.measure(_BACKWARD, name):
                torch.autograd.grad(tops, learned, gradients, allow_unused=True)


def _cut_off(value: Any) -> Any:
    """Return a tensor as a leaf that wants a gradient where the one given has one."""
    if not isinstance(value, Tensor) or not value.requires_grad:
        return value
    return value.detach().requires_grad_()


def _whole_pass(exe: Executable, inputs: Mapping[str, Tensor]) -> Spans:
    watch = Stopwatch(exe.device)
    names, losses = _wanted(exe.net), [blob.name for blob, _ in exe.net.losses]
    exe.zero_grad()
    with watch.measure(_FORWARD):
        values = exe.run(inputs, names)
    ends = [values[name] for name in losses or names if values[name].requires_grad]
    if ends:
        gradients = [torch.ones_like(end) for end in ends]
        with watch.measure(_BACKWARD):
            torch.autograd.backward(ends, gradients)
    return watch.read()


def _layers(net: Net, times: Spans) -> tuple[LayerTime, ...]:
    """Return the layers with their times; one that is computed with that before it joins that."""
    rows = {row.name: row for row in summarize(net).rows}
    together: dict[str, list[Layer]] = {}
    home: dict[Layer, str] = {}
    for layer in needed_layers(net, [net.blobs[name] for name in _wanted(net)], set()):
        if (_FORWARD, layer.name) in times:
            name = layer.name
        else:
            makers = [net.producers.get(bottom) for bottom in layer.bottoms[:1]]
            name = next((home[m] for m in makers if m in home), "")
        if name:
            home[layer] = name
            together.setdefault(name, []).append(layer)
    return tuple(
        LayerTime(
            names=tuple(layer.name for layer in layers),
            types=tuple(layer.type for layer in layers),
            forward=times[_FORWARD, name],
            backward=times.get((_BACKWARD, name)),
            macs=sum(rows[layer.name].figures.macs or 0 for layer in layers),
        )
        for name, layers in together.items()
    )
