"""The steps of a net that runs."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from torch import fx, nn

from netdef.ir import Blob, Layer, Param
from netdef.passes.places import place_of
from netdef.source import NetdefError, error
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.graph import MODULES, build_graph, needed_layers
from netdef.torch_backend.lower import build_module, module_name
from netdef.torch_source.call import call_of, literal
from netdef.torch_source.recording import Recording
from netdef.torch_source.step import Program, Step, Value

_SIGNS = {operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/"}

_Text = tuple[str, tuple[Value, ...]]
"""An expression with `{}` for each of the values."""


def read_program(exe: Executable) -> Program:
    """Return the steps by which a net's outputs come from its inputs.

    Raises:
        NetdefError: A layer cannot be written as source (rule `no-source`), or no layer computes
            an output (`no-output`).
    """
    net = exe.net
    sources = {blob for layer in net.layers if layer.source for blob in layer.tops}
    wanted = {name: net.blobs[name] for name in net.outputs if net.blobs[name] not in sources}
    if not wanted:
        text = "nothing of this net can be exported: no layer computes an output"
        raise NetdefError(error("no-output", text))
    layers = needed_layers(net, [*wanted.values()], sources)
    read = {blob for layer in layers for blob in layer.bottoms}
    inputs = [b for layer in net.layers if layer.source for b in layer.tops if b in read]
    return _Reader(exe, layers).run(inputs, wanted)


class _Reader:
    def __init__(self, exe: Executable, layers: Sequence[Layer]) -> None:
        self.exe = exe
        self.steps: list[Step] = []
        self.texts: dict[fx.Node, _Text] = {}
        self.recording = Recording()
        self.modules = {layer: self._module(layer) for layer in layers}
        taken: set[str] = set()
        self.names = {layer: module_name(layer, taken) for layer in layers}
        self.layers = {f"{MODULES}.{name}": layer for layer, name in self.names.items()}
        self.homes: dict[Param, tuple[Step, str]] = {}
        params = [p for layer in layers for p in layer.params or ()]
        self.shared = {p for p in params if p.owner} | {p.owner for p in params if p.owner}

    def run(self, inputs: Sequence[Blob], wanted: Mapping[str, Blob]) -> Program:
        fed = {blob: f"in_{index}" for index, blob in enumerate(inputs)}
        graph = build_graph([*self.modules], self.names, [*wanted.values()], fed)
        values = [Value(blob.name) for blob in inputs]
        nodes = iter(graph.nodes)
        for value, node in zip(values, nodes, strict=False):
            self.texts[node] = "{}", (value,)
        for node in graph.nodes:
            if node.op == "call_module":
                self._add(node)
        (results,) = graph.output_node().args
        found = [self._value(node) for node in results]  # type: ignore[union-attr]
        return Program(tuple(values), tuple(zip(wanted, found, strict=True)), tuple(self.steps))

    def _module(self, layer: Layer) -> nn.Module:
        module = build_module(layer, self.recording.context)
        if module is None or self.recording.call(module) is None:
            text = f"layer `{layer.name}` cannot be written as source: its code is not netdef's"
            raise NetdefError(error("no-source", text, place_of(layer, "type")))
        return module

    def _add(self, node: fx.Node) -> None:
        layer = self.layers[str(node.target)]
        module = self.modules[layer]
        if isinstance(module, nn.Identity):
            self.texts[node] = self._text(node.args[0])
            return
        outputs = tuple(Value(name) for name in node.meta["tops"])
        step = self._plain(layer, node, outputs) or self._called(layer, node, outputs)
        self.steps.append(step)
        if len(outputs) == 1:
            self.texts[node] = "{}", outputs
        for user in node.users:
            if user.target is operator.getitem:
                self.texts[user] = "{}", (outputs[user.args[1]],)  # type: ignore[index]

    def _plain(self, layer: Layer, node: fx.Node, outputs: tuple[Value, ...]) -> Step | None:
        """Return a step that needs no module."""
        write = getattr(self.modules[layer], "expression", None)
        if write is None:
            return None
        texts, values = self._numbered(node.args)
        template = write(*texts)
        return Step(layer.name, template, values, outputs) if template else None

    def _called(self, layer: Layer, node: fx.Node, outputs: tuple[Value, ...]) -> Step:
        call = self.recording.call(self.modules[layer])
        assert call is not None  # noqa: S101 - it was asked for when it was built
        params = layer.params or ()
        step = Step(layer.name, "", (), outputs, call)
        step.values = {p.weight: self.exe.tensor_of(p).detach() for p in params}
        texts, values = self._numbered([*node.args, *self._take_native(step, layer, node)])
        names = [*[""] * len(node.args), *(f"{name}=" for name in node.kwargs)]
        shown = ", ".join(name + text for name, text in zip(names, texts, strict=False))
        step.inputs, step.template = values, f"{{self}}({shown}{step.template})"
        if params:
            self._share(step, params)
        return step

    def _take_native(self, step: Step, layer: Layer, node: fx.Node) -> list[Any]:
        """Put torch's own module into a step if there is one; return what else it is called with.

        What is done to the input is left in the step's template.
        """
        offer = getattr(self.modules[layer], "native", None)
        further = list(node.kwargs.values())
        shape = layer.bottoms[0].shape if layer.bottoms else None
        if offer is None or shape is None:
            return further
        known = {name: self._tensor(value) for name, value in node.kwargs.items()}
        native = offer(len(shape), step.values, **known)
        used = {*(layer.params or ()), *(p for value in further for p in self._params(value))}
        if native is None or (native.values is not None and not self.shared.isdisjoint(used)):
            return further
        step.call = call_of(native.cls, (), native.arguments)
        step.values = step.values if native.values is None else native.values
        step.template = native.before
        return []

    def _share(self, step: Step, params: Sequence[Param]) -> None:
        """Let a step use the module or the parameters of those that own what it has."""
        owned = {p: self.homes[p.owner] for p in params if p.owner in self.homes}
        homes = {home for home, _ in owned.values()}
        same = all(name == p.weight for p, (_, name) in owned.items())
        if len(owned) == len(params) and len(homes) == 1 and same:
            (home,) = homes
            if home.call == step.call:
                step.reuses, step.values = home, {}
                return
        for home in homes:
            home.lends = True
        views = {p: home for p, home in owned.items() if p.owner and p.shape != p.owner.shape}
        step.ties = {p.weight: home for p, home in owned.items() if p not in views}
        step.absent = tuple(p.weight for p in views)
        elsewhere = {p.weight for p in owned}
        step.values = {name: v for name, v in step.values.items() if name not in elsewhere}
        if views:
            self._call_with_views(step, views)
        for param in params:
            self.homes.setdefault(param.root, (step, param.weight))

    def _call_with_views(self, step: Step, views: Mapping[Param, tuple[Step, str]]) -> None:
        given = step.template.removeprefix("{self}(").removesuffix(")")
        pairs: list[str] = []
        for param, (home, name) in views.items():
            place = len(step.inputs)
            step.inputs = (*step.inputs, self._handle(home))
            sizes = ", ".join(map(str, param.shape))
            pairs.append(f'"{param.weight}": {{{place}}}.{name}.view({sizes})')
        shown = "{{" + ", ".join(pairs) + "}}"
        step.template = f"torch.func.functional_call({{self}}, {shown}, ({given},))"

    def _numbered(self, nodes: Sequence[Any]) -> tuple[list[str], tuple[Value, ...]]:
        """Return expressions in which `{0}`, `{1}`, ... stand for the values."""
        texts: list[str] = []
        values: list[Value] = []
        for text, used in map(self._text, nodes):
            numbers = [f"{{{len(values) + index}}}" for index in range(len(used))]
            texts.append(text.format(*numbers))
            values.extend(used)
        return texts, tuple(values)

    def _text(self, node: Any) -> _Text:
        """Return the expression of a value, or of what is worked out from parameters."""
        if not isinstance(node, fx.Node):
            return literal(node), ()
        if node in self.texts:
            return self.texts[node]
        if node.op == "get_attr":
            layer, name = self._attribute(node)
            step = self._holder(layer)
            return f"{{}}.{name}", (self._handle(step),)
        parts = [self._text(arg) for arg in node.args]
        texts, values = [text for text, _ in parts], [used for _, used in parts]
        if node.op == "call_method":
            text = f"{texts[0]}.{node.target}({', '.join(texts[1:])})"
        else:
            text = f" {_SIGNS[node.target]} ".join(texts)  # type: ignore[index]
        return text, tuple(value for used in values for value in used)

    def _value(self, node: fx.Node) -> Value:
        return self._text(node)[1][0]

    def _tensor(self, node: Any) -> Any:
        """Return what is worked out from parameters alone."""
        if not isinstance(node, fx.Node):
            return node
        if node.op == "get_attr":
            (param,) = self._params(node)
            return self.exe.tensor_of(param).detach()
        given: list[Any] = [self._tensor(arg) for arg in node.args]
        if node.op == "call_method":
            return getattr(given[0], str(node.target))(*given[1:])
        return node.target(*given)  # type: ignore[operator]

    def _params(self, node: Any) -> list[Param]:
        """Return the parameters that go into what is worked out from parameters alone."""
        if not isinstance(node, fx.Node):
            return []
        if node.op == "get_attr":
            layer, name = self._attribute(node)
            return [p for p in layer.params or () if p.weight == name]
        return [param for arg in node.args for param in self._params(arg)]

    def _attribute(self, node: fx.Node) -> tuple[Layer, str]:
        path, _, name = str(node.target).rpartition(".")
        while path not in self.layers:
            path, _, more = path.rpartition(".")
            name = f"{more}.{name}"
        return self.layers[path], name

    def _holder(self, layer: Layer) -> Step:
        """Return the step of a module that is only there for its parameters."""
        params = layer.params or ()
        for param in params:
            if param in self.homes:
                return self.homes[param][0]
        call = self.recording.call(self.modules[layer])
        values = {p.weight: self.exe.tensor_of(p).detach() for p in params}
        step = Step(layer.name, "", (), (), call, values)
        step.outputs = (self._handle(step),)
        self.steps.append(step)
        self.homes |= {param: (step, param.weight) for param in params}
        return step

    def _handle(self, step: Step) -> Value:
        if step.handle is None:
            step.handle = Value(step.name, module=True)
        return step.handle
