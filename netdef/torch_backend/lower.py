"""A net's layers as torch modules, with their parameters made and filled."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from netdef import catalog
from netdef.contract import Fault
from netdef.contract.of_layer import instance_of
from netdef.ir import Layer, Net, Param
from netdef.passes.places import place_of
from netdef.source import NetdefError, error
from netdef.torch_backend.context import CONTEXT, TorchContext
from netdef.torch_backend.devices import memory_of
from netdef.torch_backend.fillers import fill
from netdef.torch_backend.sharing import ViewsOfShared

Tensors = dict[Param, Tensor]
"""The values of every parameter: a torch Parameter, or a plain tensor for a statistic."""


def lower_layers(
    net: Net, device: torch.device, given: Mapping[Param, Tensor]
) -> dict[Layer, nn.Module]:
    """Return a module per layer that computes, with its parameters filled.

    Args:
        net: A typed net.
        device: Where the parameters live.
        given: Parameters that exist already (those of a net to share with).

    Raises:
        NetdefError: A layer could not be inferred, or the parameters do not fit into memory.
    """
    _refuse_unknown(net)
    _refuse_too_large(net, device, given)
    tensors: Tensors = {}
    modules: dict[Layer, nn.Module] = {}
    for layer in net.layers:
        for param in layer.params or ():
            if param.owner is None:
                tensors[param] = given[param] if param in given else _make(param, device)
        module = build_module(layer)
        if module is not None:
            modules[layer] = _with_params(module, layer, tensors).to(device)
    return modules


def build_module(layer: Layer, context: TorchContext = CONTEXT) -> nn.Module | None:
    """Return a layer's module without values, on the device "meta"; None for one without.

    Raises:
        NetdefError: A file or code that the layer names is missing or bad.
    """
    kind = catalog.find(layer.type)
    assert kind is not None  # noqa: S101 - unknown types were refused
    own = catalog.own_message(kind, layer.message)
    # On "meta" nothing is allocated or drawn: the parameters come from us.
    with torch.device("meta"):
        try:
            return kind.torch(instance_of(layer, own), context)
        except Fault as fault:  # of a file that the layer names, say
            raise NetdefError(
                error(p.rule, p.message, place_of(layer, p.path, kind.param), note=p.note)
                for p in fault.problems
            ) from None


def _make(param: Param, device: torch.device) -> Tensor:
    values = fill(param.shape, param.filler).to(device)
    if not param.learnable:
        return values
    return nn.Parameter(values, requires_grad=param.lr_mult != 0)


def _with_params(module: nn.Module, layer: Layer, tensors: Tensors) -> nn.Module:
    """Put the parameters into a module that was built without values."""
    params = layer.params or ()
    held = {name for name, _ in [*module.named_parameters(), *module.named_buffers()]}
    declared = {p.weight for p in params}
    if held != declared:
        raise TypeError(f"{layer.type} declares {sorted(declared)}, its module has {sorted(held)}")
    views: dict[str, tuple[Tensor, tuple[int, ...]]] = {}
    for param in params:
        path, _, name = param.weight.rpartition(".")
        holder = module.get_submodule(path)
        values = tensors[param.root]
        if values.shape != param.shape:
            holder.register_parameter(name, None)
            views[param.weight] = values, param.shape
        elif param.learnable:
            holder.register_parameter(name, values)  # type: ignore[arg-type]
        else:
            holder.register_buffer(name, values)
    return ViewsOfShared(module, views) if views else module


def module_name(layer: Layer, taken: set[str]) -> str:
    """Return a name for a layer's module: its own, as an identifier that is not `taken`."""
    name = base = "layer_" + re.sub(r"\W", "_", layer.name)
    number = 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name


def _refuse_unknown(net: Net) -> None:
    faults = []
    for layer in net.layers:
        if layer.params is None and not layer.source:
            kind = catalog.find(layer.type)
            why = "its type is unknown" if kind is None else "the shape of an input is unknown"
            text = f"layer `{layer.name}` cannot run: {why}"
            faults.append(error("not-inferred", text, place_of(layer)))
    if faults:
        raise NetdefError([*net.diagnostics, *faults])


def _refuse_too_large(net: Net, device: torch.device, given: Mapping[Param, Tensor]) -> None:
    new = (p for layer in net.layers for p in layer.params or () if p.owner is None)
    needed = 4 * sum(p.count for p in new if p not in given)
    total = memory_of(device)
    if total is not None and needed > total:
        gib = 2**30
        text = f"the parameters take {needed / gib:.1f} GiB, and {device} has {total / gib:.1f} GiB"
        raise NetdefError(error("too-large", text))
