"""A net made faster for inference, at the price of what only training needs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from torch import Tensor, nn

from netdef import catalog
from netdef.contract import Instance, LayerType
from netdef.contract.of_layer import instance_of
from netdef.ir import Layer, Net, Param
from netdef.passes.dead_code import drop_dead_code
from netdef.passes.fold import Group, fold
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.torch_backend.executable import Executable

Values = Mapping[Param, Tensor]
"""What parameters hold."""


class Optimized(Executable):
    """A frozen copy of an Executable for inference; made by `Executable.optimized`.

    It is called as the original is, and gives the same outputs up to rounding. Layers that its
    outputs do not need are gone; affine layers are folded into those before them, so that the blobs
    between them are gone, too, and `net` and `params` are those of the smaller net. The parameters
    are copies and get no gradient.
    """

    def __init__(self, exe: Executable, net: Net, values: Values) -> None:
        """Lower `net` with `values`, on the device and in the type of `exe`."""
        # The values take the place of another net's parameters, which are not filled.
        super().__init__(net, exe.device, exe.precision, cast("Executable", _Given(net, values)))
        self.to(cast("Tensor", exe._like).dtype)
        self.use_channels_last()

    def load_weights(self, path: str | Path) -> None:
        """Refuse: files hold the parameters of the whole net.

        Raises:
            NetdefError: Always.
        """
        raise _frozen(f"cannot load {path} into an optimized copy")

    def save_weights(self, path: str | Path) -> None:
        """Refuse: files hold the parameters of the whole net.

        Raises:
            NetdefError: Always.
        """
        raise _frozen(f"cannot save an optimized copy as {path}")


def optimized(exe: Executable, keep: Iterable[str] = ()) -> Optimized:
    """Return a frozen, folded copy of `exe` for inference.

    Args:
        exe: A net that runs.
        keep: Names of blobs that must stay, besides the outputs.

    Raises:
        NetdefError: A blob to keep does not exist.
    """
    net = exe.net
    names = list(dict.fromkeys(keep))
    for name in names:
        if name not in net.blobs:
            text = f"this net has no blob `{name}`"
            raise NetdefError(error("unknown-blob", text, note=did_you_mean(name, net.blobs)))
    net = drop_dead_code(net, [net.blobs[name] for name in [*net.outputs, *names]])
    params = exe.params
    held = {
        param: params[layer.name][param.index].detach()
        for layer in net.layers
        for param in layer.params or ()
        if param.owner is None
    }
    net, groups = fold(net, names)
    folded = {param: value for group in groups for param, value in _folded(group, held).items()}
    values = {
        param: _frozen_copy(param, folded.get(param, held.get(param)))
        for layer in net.layers
        for param in layer.params or ()
        if param.owner is None
    }
    return Optimized(exe, net, values)


def _folded(group: Group, held: Values) -> dict[Param, Tensor]:
    """Return the parameters of a group's result, worked out in float64."""
    kind, n = _instance(group.first)
    absorb = kind.absorb(n)
    weights = _doubled(group.first, held)
    like = next(held[p] for p in group.first.params or ())
    for layer in group.merged:
        kind, n = _instance(layer)
        affine = kind.affine(n)
        assert absorb is not None and affine is not None  # noqa: S101 - `fold` has asked them
        weights = absorb(weights, *affine(_doubled(layer, held)))
    return {p: weights[p.weight].to(like) for p in group.result.params or ()}


def _instance(layer: Layer) -> tuple[LayerType, Instance]:
    kind = catalog.find(layer.type)
    assert kind is not None  # noqa: S101 - it runs
    return kind, instance_of(layer, catalog.own_message(kind, layer.message))


def _doubled(layer: Layer, held: Values) -> dict[str, Tensor]:
    # On the CPU, because not every device knows float64.
    return {p.weight: held[p].cpu().double() for p in layer.params or ()}


def _frozen_copy(param: Param, value: Tensor | None) -> Tensor:
    assert value is not None  # noqa: S101 - every parameter was there before or comes from a fold
    copy = value.clone().reshape(param.shape)
    return nn.Parameter(copy, requires_grad=False) if param.learnable else copy


def _frozen(text: str) -> NetdefError:
    note = "use the program that it was made from"
    return NetdefError(error("frozen", text, note=note))


class _Given:
    """Values in the place of an Executable to share with."""

    def __init__(self, net: Net, values: Values) -> None:
        self.net = net
        self.values = values

    def tensor_of(self, param: Param) -> Tensor:
        """Return the values of a parameter; shared ones are their owner's."""
        return self.values[param.root]
