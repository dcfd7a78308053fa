"""Any text as DOT: names come from files and may hold every character."""

import re

from graphviz import nohtml

from netdef.analysis.units import show_name

# A field drops a second space in a row, and spaces at its ends. An escaped space would stay, but
# where it, or nothing, stands alone in a line, the WebAssembly engine breaks its own memory.
_FRAGILE_SPACE = re.compile(r"(?<= ) |^ | $")
_KEPT_SPACE = "\N{NO-BREAK SPACE}"
_RECORD_MARKS = re.compile(r"[{}|<>]")
_NOT_FOR_AN_ID = re.compile(r"[^\w/.\-+ ]")


def label(text: str) -> str:
    """Return a text as a label."""
    return nohtml(_plain(text))


def field(text: str) -> str:
    """Return a text as a line in a field of a record."""
    text = _RECORD_MARKS.sub(r"\\\g<0>", _plain(text))
    return _FRAGILE_SPACE.sub(_KEPT_SPACE, text) or _KEPT_SPACE


def identifier(text: str) -> str:
    """Return a text as the name of a node, still readable.

    Some characters have a meaning in the names of nodes that cannot be taken from them everywhere
    (a colon starts a port); they become underscores.
    """
    return _NOT_FOR_AN_ID.sub("_", text) or "_"


def _plain(text: str) -> str:
    """Return a text whose backslashes (line ends) and ampersands (entities) mean nothing."""
    return show_name(text).replace("\\", "\\\\").replace("&", "&amp;")
