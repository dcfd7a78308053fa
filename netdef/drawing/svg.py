"""The last strokes on an SVG from Graphviz, so that it stands alone and reads well."""

from xml.etree import ElementTree

from netdef.analysis.units import show_name

_SVG = "http://www.w3.org/2000/svg"
_FONTS = "Helvetica, Arial, 'Liberation Sans', sans-serif"


def finish(svg: bytes, title: str, description: str) -> bytes:
    """Return the SVG with a name for screen readers, plain font names and bold layer names.

    It is one file, with neither scripts nor references to anything outside; the version of the
    engine, which Graphviz leaves in a comment, is dropped.

    Args:
        svg: What Graphviz made.
        title: The name of the picture.
        description: What it shows, in a sentence.
    """
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)  # noqa: S314 - it comes from Graphviz, without entities
    root.set("role", "graphics-document")
    root.set("font-family", _FONTS)
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}")
        element.text, element.tail = show_name(text), "\n"
        root.insert(index, element)
    for element in root.iter():
        if element.get("stroke") == "transparent":  # an older Graphviz's; SVG calls it none
            element.set("stroke", "none")
        if "font-family" in element.attrib and element is not root:
            del element.attrib["font-family"]
        if "node" in element.get("class", "").split():
            _name_of(element).set("font-weight", "bold")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root) + b"\n"


def _name_of(node: ElementTree.Element) -> ElementTree.Element:
    """Return the first line of a box: every box starts with its layer's name."""
    text = node.find(f".//{{{_SVG}}}text")
    assert text is not None  # noqa: S101 - no box is empty
    return text
