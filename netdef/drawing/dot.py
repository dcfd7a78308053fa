"""A net as DOT source."""

from graphviz import Digraph

from netdef.drawing import escape
from netdef.drawing.diagram import Box, diagram_of
from netdef.drawing.label import box_text, edge_text
from netdef.drawing.theme import NETSCOPE, UNKNOWN_ROLE, Theme, role_of
from netdef.ir import Net

# The WebAssembly engine knows the widths of a few fonts; for a list of names, or a generic name, it
# takes those of Times, which is too narrow. Where Arial is missing, systems have a font of the same
# widths in its place more often than in Helvetica's.
_FONT = "Arial"


def to_dot(net: Net, theme: Theme = NETSCOPE) -> Digraph:
    """Return a net as a DOT graph: `source` is its text, the same for the same net.

    One rounded box per layer, in the colours of its role, with those that work in place stacked in
    it; edges carry shapes. No label is HTML: the engines do not all draw those, and where they do,
    the text is cut into pieces that cannot be searched.
    """
    diagram = diagram_of(net)
    graph = Digraph(escape.identifier(title_of(net)))
    _set_defaults(graph, net, theme)
    ids = _identifiers(diagram.boxes)
    for box, node in zip(diagram.boxes, ids, strict=True):
        _add_box(graph, node, box, theme)
    for edge in diagram.edges:
        tail = diagram.boxes[edge.tail].layers[-1]
        text = f" {edge_text(edge.blob, tail)} "  # air between the line and its label
        graph.edge(ids[edge.tail], ids[edge.head], label=escape.label(text))
    return graph


def title_of(net: Net) -> str:
    """Return what a drawing of a net is called."""
    return net.name or "network"


def _set_defaults(graph: Digraph, net: Net, theme: Theme) -> None:
    graph.attr(
        "graph",
        label=escape.label(title_of(net)),
        labelloc="t",
        bgcolor=theme.page,
        fontname=_FONT,
        fontsize="20",
        fontcolor=theme.ink,
        pad="0.3",
        margin="0",
        nodesep="0.35",
        ranksep="0.35",
    )
    graph.attr(
        "node",
        shape="Mrecord",
        style="filled",
        color=theme.page,
        fontname=_FONT,
        fontsize="12",
        margin="0.2,0.07",  # wide enough that names, which SVG shows in bold, stay inside
    )
    graph.attr(
        "edge",
        color=theme.ink,
        penwidth="1.5",
        arrowhead="vee",
        arrowsize="0.8",
        fontname=_FONT,
        fontsize="10",
        fontcolor=theme.ink,
    )


def _identifiers(boxes: tuple[Box, ...]) -> list[str]:
    """Return a name in DOT for every box: the layer's name, made fit and unique."""
    taken: dict[str, None] = {}
    for box in boxes:
        wanted = name = escape.identifier(box.head.name)
        number = 1
        while name in taken:
            number += 1
            name = f"{wanted}~{number}"
        taken[name] = None
    return list(taken)


def _add_box(graph: Digraph, node: str, box: Box, theme: Theme) -> None:
    role = role_of(box.head)
    paint = theme.paint(role)
    sections = ["\\n".join(map(escape.field, lines)) for lines in box_text(box)]
    attributes = {"fillcolor": paint.fill, "fontcolor": paint.text, "class": role}
    if any(role_of(layer) == UNKNOWN_ROLE for layer in box.layers):
        attributes |= {"style": "filled,dashed", "color": theme.ink}
    graph.node(node, label="{" + "|".join(sections) + "}", _attributes=attributes)
