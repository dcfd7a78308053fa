"""Instances from layers of a net."""

from typing import Any

from netdef.contract.instance import Code, Instance, Probe
from netdef.contract.signature import Signature
from netdef.contract.weight import Weight
from netdef.ir import Layer, Shape


def instance_of(
    layer: Layer, own: Any, probe: Probe | None = None, code: Code | None = None
) -> Instance:
    """Return what the facets of a layer's type see of it.

    Args:
        layer: A layer whose bottoms' shapes are known.
        own: The message of its type's own parameters.
        probe: Asks a data layer's source for shapes.
        code: Runs code that layers name; None where that is not allowed.
    """
    ins: list[Shape] = [b.shape for b in layer.bottoms if b.shape is not None]
    weights = [Weight(p.weight, p.shape, p.filler, p.learnable) for p in layer.params or ()]
    return Instance(
        p=own,
        message=layer.message,
        type=layer.type,
        name=layer.name,
        phase=layer.phase,
        ins=tuple(ins),
        bottoms=tuple(b.name for b in layer.bottoms),
        tops=tuple(b.name for b in layer.tops),
        sig=Signature([b.shape for b in layer.tops], weights),
        probe_source=probe,
        run_code=code,
        file=layer.node.file.path if layer.node is not None else None,
        trusted=layer.trusted,
    )
