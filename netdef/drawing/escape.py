"""Any text as DOT: names come from files and may hold every character."""

import re

from graphviz import nohtml

# A space is kept as it is; a second one in a row, or one at an end, would be dropped.
_FRAGILE_SPACE = re.compile(r"(?<= ) |^ | $")
_RECORD_MARKS = re.compile(r"[{}|<>]")
_NOT_FOR_AN_ID = re.compile(r"[^\w/.\-+ ]")


def label(text: str) -> str:
    """Return a text as a label."""
    return nohtml(_plain(text))


def field(text: str) -> str:
    """Return a text as a line in a field of a record."""
    text = _RECORD_MARKS.sub(r"\\\g<0>", _plain(text))
    return _FRAGILE_SPACE.sub(r"\\ ", text)


def identifier(text: str) -> str:
    """Return a text as the name of a node, still readable.

    Some characters have a meaning in the names of nodes that cannot be taken from them everywhere
    (a colon starts a port); they become underscores.
    """
    return _NOT_FOR_AN_ID.sub("_", text) or "_"


def _plain(text: str) -> str:
    """Return a text without special meaning of backslashes (line ends) and ampersands (entities).

    Characters that XML cannot hold are replaced.
    """
    text = "".join(map(_printable, text))
    return text.replace("\\", "\\\\").replace("&", "&amp;")


def _printable(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the picture of a control character
    unfit = code == 0x7F or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF)
    return "\N{REPLACEMENT CHARACTER}" if unfit else character
