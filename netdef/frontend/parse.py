"""Text to syntax tree: a fast parse, and a careful one when the fast one meets a fault."""

# lark leaves parts of its interface without types.
# pyright: reportUnknownMemberType=false

from copy import deepcopy
from functools import cache
from typing import Any

import lark
from lark import Lark, UnexpectedToken
from lark.lexer import Lexer

from netdef.frontend import prototxt_tables
from netdef.frontend.faults import Faults
from netdef.frontend.lexer import NotCoarse, Token, TooLong, coarse_tokens, fine_tokens
from netdef.frontend.nodes import Block, Document, ListField, Node, Scalar, growing
from netdef.frontend.recovery import Recovery
from netdef.source import Diagnostic, SourceFile, Span, error

Item = tuple[int, int, list[Node] | None]
"""A value: start, end, and its fields if it is a block."""


def parse(file: SourceFile) -> tuple[Document, list[Diagnostic]]:
    """Parse a whole file.

    Returns:
        The tree and the faults of its syntax. With faults, the tree holds what could be understood;
        a field without a value is a Scalar of empty text.
    """
    try:
        with growing():
            return Document(file, _lark().parse(coarse_tokens(file))), []  # type: ignore[arg-type]
    except (NotCoarse, UnexpectedToken):
        return parse_finely(file)
    except TooLong as stop:
        return _too_long(file, stop)


def parse_finely(file: SourceFile) -> tuple[Document, list[Diagnostic]]:
    """Parse as `parse` does, word by word: slower, and able to say what is wrong."""
    faults = Faults()
    recovery = Recovery(_lark().parse_interactive(), file, faults)
    try:
        with growing():
            for token in fine_tokens(file, faults):
                recovery.feed(token)
            return Document(file, recovery.finish()), faults.finished()
    except TooLong as stop:
        return _too_long(file, stop)


def _too_long(file: SourceFile, stop: TooLong) -> tuple[Document, list[Diagnostic]]:
    text = "there are more fields up to here than one text can have"
    note = "is this the file you meant? Weights belong into a .caffemodel"
    fault = error("too-large", text, Span(file, stop.at, stop.at), note=note)
    return Document(file, []), [fault]


@cache
def _lark() -> Lark:
    if lark.__version__ != prototxt_tables.LARK:
        return lark_from_grammar()  # the tables of another version may mean something else
    tables: Any = prototxt_tables
    data = deepcopy(tables.DATA)
    data["parser"]["lexer_conf"]["lexer_type"] = data["options"]["lexer"] = _TokenFeed
    builder = _TreeBuilder()
    return Lark._load_from_dict(data, tables.MEMO, transformer=builder)  # pyright: ignore[reportPrivateUsage]


def lark_from_grammar() -> Lark:
    """Return the parser of the grammar `prototxt.lark`, made from its text."""
    return Lark.open(
        "prototxt.lark",
        rel_to=__file__,
        parser="lalr",
        lexer=_TokenFeed,
        transformer=_TreeBuilder(),
        maybe_placeholders=False,
    )


class _TokenFeed(Lexer):
    """Hands the tokens of our own lexers to lark."""

    def __init__(self, lexer_conf: Any) -> None:
        """Take nothing from lark's configuration."""

    def lex(self, data: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the tokens, which stand in the place of the text."""
        return data


class _TreeBuilder:
    """Makes the nodes; lark calls the method named after the rule or its alias.

    A list of fields grows in place as its rule is reduced, so a tree of any depth or length is
    built in linear time and without recursion.
    """

    def start(self, children: list[Any]) -> list[Node]:
        return children[0]

    def no_fields(self, _children: list[Any]) -> list[Node]:
        return []

    def add_run(self, children: list[Any]) -> list[Node]:
        fields, run = children
        fields.extend(run.nodes)
        return fields

    def add_field(self, children: list[Any]) -> list[Node]:
        children[0].append(children[1])
        return children[0]

    def opened_block(self, children: list[Any]) -> Block:
        opened, fields, closed = children
        return Block(opened.file, opened.name, opened.start, opened.opening, fields, closed.end)

    def block(self, children: list[Any]) -> Block:
        name = children[0]
        opening, end, fields = children[-1]
        return Block(name.file, name.name, name.start, opening, fields, end)

    def body(self, children: list[Any]) -> Item:
        opened, fields, closed = children
        return opened.start, closed.end, fields

    def strings(self, children: list[Any]) -> Token:
        first = children[0]
        return Token("STRING", first.file, first.start, children[-1].end)

    def value(self, children: list[Any]) -> Item:
        return children[0].start, children[0].end, None

    def scalar(self, children: list[Any]) -> Scalar:
        name, _colon, (start, end, _) = children
        return Scalar(name.file, name.name, name.start, name.file.text[start:end], start)

    def scalar_item(self, children: list[Any]) -> Item:
        return children[0]

    block_item = scalar_item

    def items(self, children: list[Any]) -> list[Item]:
        return children[::2]  # every other one is a comma

    def list(self, children: list[Any]) -> ListField:
        name, closed = children[0], children[-1]
        opened = next(c for c in children if isinstance(c, Token) and c.type == "LSQB")
        items: list[Item] = [] if isinstance(children[-2], Token) else children[-2]
        nodes = [_item(name, item) for item in items]
        return ListField(name.file, name.name, name.start, opened.start, nodes, closed.end)


def _item(name: Token, item: Item) -> Scalar | Block:
    start, end, fields = item
    if fields is None:
        return Scalar(name.file, name.name, start, name.file.text[start:end], start)
    return Block(name.file, name.name, start, start, fields, end)
