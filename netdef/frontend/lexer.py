"""Two lexers for one grammar: coarse for speed, fine for faults.

Both yield `Token`s, which are all that lark's LALR parser asks of a token: a type.
"""

import re
from collections.abc import Iterator

from netdef.frontend.nodes import Block, ListField, Node, Scalar
from netdef.source import Diagnostic, SourceFile, Span, error

# Possessive quantifiers throughout: a text that does not match is given up in linear time.
_DELIMITERS = r"\s{}<>\[\]\"'#;,:"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
_WORD = rf"[^{_DELIMITERS}]++"
_LONE_MINUS = r"-(?=\s|\#|\Z)"  # a sign and its number may stand apart
_STRING = r"""(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')"""
_TRIVIA = r"(?:\s++|\#[^\n]*+)*+"

_COARSE = re.compile(
    rf"""{_TRIVIA}
    (?: ({_NAME}) \s*+
        (?: : \s*+
            (?: (?!{_LONE_MINUS})({_WORD})
              | ({_STRING}(?:\s*+{_STRING})*+)
              | (\[[^\[\]{{}}<>"'\#;:]*+\])
              | ([{{<])
            )
          | ([{{<])
        )
      | ([}}>])
      | (\Z)
    )
    (?:\s*+[;,])?+""",
    re.VERBOSE,
)
_NAME_GROUP, _WORD_GROUP, _STRING_GROUP, _LIST_GROUP, _COLON_OPEN, _OPEN, _CLOSE, _END = range(1, 9)

_FINE = re.compile(
    rf"""{_TRIVIA}
    (?: (?P<string>{_STRING})
      | (?P<word>-?{_TRIVIA}{_WORD})
      | (?P<quote>["'][^\n]*+)
      | (?P<punctuation>[{{}}<>\[\];,:])
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)

_IS_NAME = re.compile(rf"{_NAME}\Z")
_EXTENSION_NAME = re.compile(r"\[\s*+([A-Za-z0-9_./\-]++)\s*+\]")
_LIST_ITEM = re.compile(rf"\s*+({_WORD})\s*+(,|\Z)")

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


def coarse_tokens(file: SourceFile) -> Iterator[Token]:
    """Yield the tokens of a text made of plain fields and blocks.

    Raises:
        NotCoarse: Anything else was met.
    """
    text = file.text
    match = _COARSE.match
    run: list[Node] = []
    at = 0
    while True:
        m = match(text, at)
        if m is None:
            raise NotCoarse
        group = m.lastindex or 0
        if group in (_WORD_GROUP, _STRING_GROUP):
            name, start = m[_NAME_GROUP], m.start(_NAME_GROUP)
            run.append(Scalar(file, name, start, m[group], m.start(group)))
        elif group == _LIST_GROUP:
            run.append(_word_list(file, m))
        else:
            if run:
                yield Token("RUN", file, 0, 0, nodes=run)
                run = []
            if group == _END:
                return
            start, end = m.start(group), m.end(group)
            if group == _CLOSE:
                yield Token(_CLOSE_TYPES[m[group]], file, start, end)
            else:
                name, name_start = m[_NAME_GROUP], m.start(_NAME_GROUP)
                yield Token(_OPEN_TYPES[m[group]], file, name_start, end, name, start)
        at = m.end()


def _word_list(file: SourceFile, m: re.Match[str]) -> ListField:
    name, opening, end = m[_NAME_GROUP], m.start(_LIST_GROUP), m.end(_LIST_GROUP)
    items: list[Scalar | Block] = []
    at = opening + 1
    if file.text[at : end - 1].strip():
        while at < end:
            item = _LIST_ITEM.match(file.text, at, end - 1)
            if item is None:
                raise NotCoarse
            items.append(Scalar(file, name, item.start(1), item[1], item.start(1)))
            at = item.end()
            if not item[2]:
                break
    return ListField(file, name, m.start(_NAME_GROUP), opening, items, end)


def fine_tokens(file: SourceFile, faults: list[Diagnostic]) -> Iterator[Token]:
    """Yield every word, string and bracket; a string that is not closed goes to `faults`."""
    at = 0
    previous = ""
    brackets: list[str] = []
    while (m := _FINE.match(file.text, at)) and m.lastgroup != "end":
        if m.lastgroup == "punctuation":
            token = _punctuation(file, m.start("punctuation"), previous, brackets)
        else:
            token = _word_or_string(file, m, faults)
        yield token
        previous, at = token.type, token.end


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
