"""Two lexers for one grammar: coarse for speed, fine for faults.

Both yield `Token`s, which are all that lark's LALR parser asks of a token: a type.
"""

import re
import unicodedata
from collections.abc import Iterator

from netdef.frontend.nodes import Block, ListField, Node, Scalar
from netdef.source import Diagnostic, SourceFile, Span, error

# Possessive quantifiers throughout: a text that does not match is given up in linear time.
_SPACE = r"[ \t\n\v\f\r]"
# What looks like a space or like nothing at all, and is neither to protobuf: control characters,
# the spaces and invisible marks of Unicode.
_STRAY = (
    r"\x00-\x08\x0e-\x1f\x7f-\xa0\xad\u1680\u180e\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u2064\u3000\ufeff"
)
_DELIMITERS = rf" \t\n\v\f\r{{}}<>\[\]\"'#;,:{_STRAY}"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
_WORD = rf"[^{_DELIMITERS}]++"
_LONE_MINUS = rf"-(?={_SPACE}|\#|\Z)"  # a sign and its number may stand apart
_STRING = r"""(?:"(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+')"""
_TRIVIA = rf"(?:{_SPACE}++|\#[^\n]*+)*+"

_SEPARATOR = rf"(?:{_SPACE}*+[;,])?+"

_COARSE = re.compile(
    rf"""{_TRIVIA}
    (?: ({_NAME}) {_SPACE}*+
        (?: : {_SPACE}*+
            (?: (?!{_LONE_MINUS})({_WORD})
              | ({_STRING}(?:{_SPACE}*+{_STRING})*+)
              | (\[[^\[\]{{}}<>"'\#;:]*+\])
            )
            {_SEPARATOR}
          | :?+ {_SPACE}*+ ([{{<])
        )
      | ([}}>]) {_SEPARATOR}
      | (\Z)
    )""",
    re.VERBOSE,
)
_NAME_GROUP, _WORD_GROUP, _STRING_GROUP, _LIST_GROUP, _OPEN, _CLOSE, _END = range(1, 8)

_FINE = re.compile(
    rf"""{_TRIVIA}
    (?: (?P<string>{_STRING})
      | (?P<word>-?{_TRIVIA}{_WORD})
      | (?P<quote>["'][^\n]*+)
      | (?P<stray>[{_STRAY}]++)
      | (?P<punctuation>[{{}}<>\[\];,:])
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)

_IS_NAME = re.compile(rf"{_NAME}\Z")
_EXTENSION_NAME = re.compile(rf"\[{_SPACE}*+([A-Za-z0-9_./\-]++){_SPACE}*+\]")
_LIST_ITEM = re.compile(rf"{_SPACE}*+({_WORD}){_SPACE}*+(,|\Z)")

_PUNCTUATION = {
    ":": "COLON",
    ";": "SEPARATOR",
    "{": "LBRACE",
    "}": "RBRACE",
    "<": "LANGLE",
    ">": "RANGLE",
    "[": "LSQB",
    "]": "RSQB",
}
_CLOSE_TYPES = {"}": "RBRACE", ">": "RANGLE"}
_OPEN_TYPES = {"{": "OPEN_BRACE", "<": "OPEN_ANGLE"}


class Token:
    """A terminal of the grammar with its offsets; a RUN carries its finished nodes."""

    __slots__ = ("end", "file", "name", "nodes", "opening", "start", "type")

    # lark reads these of the last token to place the end of the input; ours are offsets.
    line = column = end_line = end_column = start_pos = end_pos = None

    def __init__(
        self,
        type: str,
        file: SourceFile,
        start: int,
        end: int,
        name: str = "",
        opening: int = 0,
        nodes: list[Node] | None = None,
    ) -> None:
        self.type = type
        self.file = file
        self.start = start
        self.end = end
        self.name = name
        self.opening = opening
        self.nodes = nodes


class NotCoarse(Exception):
    """The text has something that only the fine lexer knows, a fault perhaps."""


class TooLong(Exception):
    """The text has more fields than there is memory for; `at` is where that became clear."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at


MOST_FIELDS = 6_000_000
"""Fields in one text, a block counting for two: a tree of so many takes a good gigabyte."""

_LONGEST_RUN = 10_000
_SCALAR_GROUPS = (_WORD_GROUP, _STRING_GROUP)


def coarse_tokens(file: SourceFile) -> Iterator[Token]:  # noqa: C901 - calls would cost a third
    """Yield the tokens of a text made of plain fields and blocks.

    Raises:
        NotCoarse: Anything else was met.
        TooLong: There are too many fields.
    """
    text = file.text
    match = _COARSE.match
    # Names and values come again and again: each is kept once.
    known: dict[str, str] = {}
    once = known.setdefault
    run: list[Node] = []
    at = first_character(file)
    room = MOST_FIELDS
    while True:
        m = match(text, at)
        if m is None:
            raise NotCoarse
        at = m.end()
        group = m.lastindex or 0
        if group in _SCALAR_GROUPS:
            name, raw = m.group(1, group)
            run.append(Scalar(file, once(name, name), m.start(1), once(raw, raw), m.start(group)))
            if len(run) < _LONGEST_RUN:
                continue
        elif group == _LIST_GROUP:
            values = _word_list(file, m, room)
            run.append(values)
            room -= len(values.items)
            continue
        start, end = m.span(group)
        room -= len(run) + 2
        if room < 0:
            raise TooLong(start)
        if run:
            yield Token("RUN", file, 0, 0, nodes=run)
            run = []
        if group <= _LIST_GROUP:
            continue
        if group == _END:
            return
        if group == _CLOSE:
            yield Token(_CLOSE_TYPES[m[group]], file, start, end)
        else:
            name = m[1]
            yield Token(_OPEN_TYPES[m[group]], file, m.start(1), end, once(name, name), start)


def first_character(file: SourceFile) -> int:
    """Return where the text begins: after a byte order mark that whoever read it has left there."""
    return 1 if file.text.startswith("\ufeff") else 0


def _word_list(file: SourceFile, m: re.Match[str], room: int) -> ListField:
    name, opening, end = m[_NAME_GROUP], m.start(_LIST_GROUP), m.end(_LIST_GROUP)
    items: list[Scalar | Block] = []
    at = opening + 1
    if file.text[at : end - 1].strip():
        while at < end:
            item = _LIST_ITEM.match(file.text, at, end - 1)
            if item is None:
                raise NotCoarse
            if len(items) > room:
                raise TooLong(at)
            items.append(Scalar(file, name, item.start(1), item[1], item.start(1)))
            at = item.end()
            if not item[2]:
                break
    return ListField(file, name, m.start(_NAME_GROUP), opening, items, end)


def fine_tokens(file: SourceFile, faults: list[Diagnostic]) -> Iterator[Token]:
    """Yield every word, string and bracket.

    What no token can be made of goes to `faults`: a string that is not closed, a stray character.

    Raises:
        TooLong: There are too many tokens.
    """
    at = first_character(file)
    previous = ""
    brackets: list[str] = []
    room = 2 * MOST_FIELDS
    while (m := _FINE.match(file.text, at)) and m.lastgroup != "end":
        room -= 1
        if room < 0:
            raise TooLong(at)
        if m.lastgroup == "stray":
            faults.append(_stray(file, m))
            at = m.end()
            continue
        if m.lastgroup == "punctuation":
            token = _punctuation(file, m.start("punctuation"), previous, brackets)
        else:
            token = _word_or_string(file, m, faults)
        yield token
        is_value = previous == "COLON" and token.type == "NAME"
        previous, at = "WORD" if is_value else token.type, token.end


def _stray(file: SourceFile, m: re.Match[str]) -> Diagnostic:
    start, end = m.span("stray")
    char = file.text[start]
    name = unicodedata.name(char, "a control character").lower()
    text = f"the character U+{ord(char):04X} ({name}) does not belong here"
    note = "type a plain space in its place" if char.isspace() else "remove it"
    return error("stray-character", text, Span(file, start, end), note=note)


def _word_or_string(file: SourceFile, m: re.Match[str], faults: list[Diagnostic]) -> Token:
    group = m.lastgroup or ""
    start, end = m.span(group)
    if group == "word":
        type_ = "NAME" if _IS_NAME.match(m[group]) else "WORD"
        return Token(type_, file, start, end, m[group])
    if group == "quote":
        note = f"end it with {m[group][0]}; a line end inside a string is written \\n"
        message = "this string is not closed before the end of the line"
        faults.append(error("unclosed-string", message, Span(file, start, end), note=note))
    return Token("STRING", file, start, end)


def _punctuation(file: SourceFile, start: int, previous: str, brackets: list[str]) -> Token:
    char = file.text[start]
    if char == "[" and previous not in ("COLON", "NAME"):  # not a list: an extension's name
        extension = _EXTENSION_NAME.match(file.text, start)
        if extension:
            return Token("NAME", file, start, extension.end(), f"[{extension[1]}]")
    if char in "[{<":
        brackets.append(char)
    elif char in "]}>" and brackets:
        brackets.pop()
    if char == ",":  # in a list it separates items, elsewhere it decorates
        type_ = "COMMA" if brackets[-1:] == ["["] else "SEPARATOR"
    else:
        type_ = _PUNCTUATION[char]
    return Token(type_, file, start, start + 1, char)
