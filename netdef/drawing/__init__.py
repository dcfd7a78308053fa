"""Drawings of nets: DOT, and what Graphviz makes of it."""

from netdef.drawing.dot import to_dot
from netdef.drawing.draw import FORMATS, draw, format_of, save_drawing
from netdef.drawing.theme import NETSCOPE, Paint, Theme

__all__ = [
    "FORMATS",
    "NETSCOPE",
    "Paint",
    "Theme",
    "draw",
    "format_of",
    "save_drawing",
    "to_dot",
]
