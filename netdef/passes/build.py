"""Messages and syntax nodes to a net: nothing is selected or connected yet."""

from collections.abc import Sequence
from typing import Any

from netdef import catalog
from netdef.frontend.nodes import Block, Document
from netdef.ir import Layer, Net
from netdef.schema import pb
from netdef.source import Diagnostic, error


def build(
    document: Document,
    message: Any,
    phase: str,
    level: int = 0,
    stages: tuple[str, ...] = (),
    faults: Sequence[Diagnostic] = (),
) -> Net:
    """Return the net of all layers in the file, for a state.

    The net's own `state` gives its level and stages where the arguments leave them open. `faults`
    are those of parsing and binding: a layer that has one is marked.
    """
    marks = [fault.span.start for fault in faults if fault.span and fault.is_error]
    nodes = [node for node in document.all("layer") if isinstance(node, Block)]
    layers = tuple(
        Layer(
            name=m.name or f"{m.type.lower()}{index}",
            type=_type(m),
            message=m,
            node=node,
            faulty=any(node.start <= mark < node.end for mark in marks),
            phase=pb.Phase.Name(m.phase) if m.HasField("phase") else phase,
        )
        for index, (m, node) in enumerate(zip(message.layer, nodes, strict=True))
    )
    state = message.state
    net = Net(
        name=message.name,
        layers=layers,
        message=message,
        phase=phase,
        level=level or state.level,
        stages=tuple(dict.fromkeys([*state.stage, *stages])),
        file=document.file,
    )
    if not layers and not any(fault.is_error for fault in faults):
        text = "this net has no layers"
        return net.reporting(error("empty-net", text, document.span._replace(end=0)))
    return net


def _type(message: Any) -> str:
    """Return the type of a layer; for a Python layer whose class is built in, the class."""
    if message.type == "Python":
        kind = catalog.find(message.python_param.layer)
        if kind is not None and kind.python:
            return kind.name
    return message.type
