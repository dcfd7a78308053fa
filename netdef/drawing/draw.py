"""From a net to a drawing in memory or in a file."""

import os
import re
from pathlib import Path

from netdef.drawing.dot import title_of, to_dot
from netdef.drawing.engines import render
from netdef.drawing.svg import finish
from netdef.drawing.theme import NETSCOPE, Theme
from netdef.ir import Net
from netdef.source import NetdefError, error

FORMATS = ("dot", "gv", "pdf", "png", "svg")
"""The formats, as file suffixes without the dot; "gv" is "dot"."""

_PNG_DPI = "144"
"""Pixels per inch: text of 10 points stays sharp on a slide."""

# A PDF says when it was made; the same net gives the same bytes, so it says nothing (in as many
# bytes, because a PDF holds offsets).
_PDF_DATE = re.compile(rb"/CreationDate \(D:\d{14}")
_NO_DATE = b"/CreationDate (D:19700101000000"


def draw(net: Net, format: str = "svg", theme: Theme = NETSCOPE) -> bytes:
    """Return the drawing of a net: the same bytes for the same net and engine.

    Args:
        net: A typed net.
        format: One of `FORMATS`. DOT and SVG are UTF-8 text.
        theme: The colours.

    Raises:
        NetdefError: The format is none of those, or its program `dot` is missing or failed.
    """
    if format not in FORMATS:
        raise _unknown_format(f"netdef does not draw `{format}`")
    graph = to_dot(net, theme)
    if format in ("dot", "gv"):
        return graph.source.encode()
    if format == "png":
        graph.attr("graph", dpi=_PNG_DPI)
    drawing = render(graph.source, format)
    if format == "svg":
        return finish(drawing, title_of(net), _describe(net))
    return _PDF_DATE.sub(_NO_DATE, drawing) if format == "pdf" else drawing


def save_drawing(net: Net, path: str | Path, theme: Theme = NETSCOPE) -> None:
    """Draw a net into a file, in the format of its suffix.

    The file appears when it is complete; after a fault, whatever was there before is still there.

    Raises:
        NetdefError: As `draw`; or the file cannot be written.
    """
    path = Path(path)
    drawing = draw(net, format_of(path), theme)
    try:
        _write(path, drawing)
    except OSError as failure:
        message = f"cannot write {path}: {failure.strerror or failure}"
        raise NetdefError(error("cannot-write", message)) from failure


def format_of(path: str | Path) -> str:
    """Return the format that a file's suffix stands for.

    Raises:
        NetdefError: It stands for none; the error lists those that are known.
    """
    format = Path(path).suffix[1:].lower()
    if format not in FORMATS:
        raise _unknown_format(f"the suffix of `{path}` is none that netdef draws")
    return format


def _unknown_format(message: str) -> NetdefError:
    known = ", ".join(f".{format}" for format in FORMATS)
    return NetdefError(error("unknown-format", message, note=f"known are {known}"))


def _describe(net: Net) -> str:
    layers = len(net.layers)
    return f"Network of {layers} layer{'' if layers == 1 else 's'}, phase {net.phase}."


def _write(path: Path, content: bytes) -> None:
    """Write a file under another name in the same folder, then rename it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            file.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
