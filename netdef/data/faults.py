"""What is wrong with data, and where in the net's file to show it."""

from typing import Any

from netdef.ir import Layer
from netdef.source import Diagnostic, Span, error
from netdef.source.locate import looked_in


class DataFault(ValueError):
    """Data that cannot be used, in one sentence without a full stop.

    Sources and records know nothing of layers: whoever reads them for a layer adds the place.

    Attributes:
        rule: The rule of the diagnostic.
        field: The field of the layer that it is about, inside the block of its own parameters or
            inside the layer (`transform_param.crop_size`).
        note: What would mend it.
    """

    def __init__(
        self,
        message: str,
        rule: str = "bad-source",
        field: str = "source",
        note: str | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.field = field
        self.note = note


def diagnostic(layer: Layer, own: str, fault: DataFault) -> Diagnostic:
    """Return a fault as a diagnostic in the file of the layer's net.

    Args:
        layer: The layer that reads the data.
        own: The block with its own parameters (`data_param`).
        fault: What is wrong.
    """
    return error(fault.rule, str(fault), _place(layer, own, fault.field), note=fault.note)


def missing(what: str, name: str, referring: str | None, field: str = "source") -> DataFault:
    """Return the fault that file or folder `name` is not there, with the places looked in."""
    if not name:
        return DataFault(f"{what} is not given", "missing-field", field)
    note = looked_in(name, referring)
    return DataFault(f"{what} `{name}` is not there", "missing-source", field, note)


def _place(layer: Layer, own: str, field: str) -> Span | None:
    """Return where `field` is written, or the innermost block that would hold it."""
    if layer.node is None:
        return None
    block: Any = None if "." in field else layer.node.first(own)
    at: Any = block or layer.node
    for name in field.split("."):
        inner = at.first(name)
        if inner is None:
            break
        at = inner
    if at is layer.node:  # the layer as a whole: its name says most
        at = layer.node.first("name") or at
    return at.name_span if hasattr(at, "first") else at.value_span
