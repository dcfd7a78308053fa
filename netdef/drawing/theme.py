"""Colours, by what a layer is for."""

from collections.abc import Mapping
from dataclasses import dataclass

from netdef import catalog
from netdef.ir import Layer

UNKNOWN_ROLE = "unknown"
"""The role of layers whose type nobody knows."""


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours of a box: behind the text, and of the text."""

    fill: str
    text: str


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a drawing, as #RRGGBB.

    Attributes:
        page: The background; also the lines that divide a box, so that they look cut into it.
        ink: Edges, their labels and the title.
        default: Boxes of roles that have no colours of their own.
        paints: Boxes by role.
    """

    page: str
    ink: str
    default: Paint
    paints: Mapping[str, Paint]

    def paint(self, role: str) -> Paint:
        """Return the colours of a role."""
        return self.paints.get(role, self.default)


NETSCOPE = Theme(
    page="#F7EBE1",
    ink="#554037",
    default=Paint("#FFB84D", "#563621"),
    paints={
        "convolution": Paint("#CA5237", "#FFFFFF"),
        "dense": Paint("#BD0026", "#FFFFFF"),
        "recurrent": Paint("#2E7D8C", "#FFFFFF"),
        "normalization": Paint("#84AC7E", "#3B2516"),
        "source": Paint("#37A058", "#FFFFFF"),
        "loss": Paint("#7F6A9B", "#FFFFFF"),
        "sink": Paint("#7F6A9B", "#FFFFFF"),
        UNKNOWN_ROLE: Paint("#FFFFFF", "#563621"),
    },
)
"""The colours of Netscope, which people know these networks in."""


def role_of(layer: Layer) -> str:
    """Return what a layer is for, or `UNKNOWN_ROLE`."""
    kind = catalog.find(layer.type)
    return UNKNOWN_ROLE if kind is None else kind.role
