"""Faults of syntax: each named once, and mended in the parser's eyes so that it can go on.

lark's parser says which terminals it would have taken. From these follows where in a field the
fault is, and so both what to say and which tokens to pretend.
"""

from typing import Any

from lark import UnexpectedToken

from netdef.frontend.faults import TOO_MANY, shortened
from netdef.frontend.lexer import Token
from netdef.frontend.nodes import Node
from netdef.source import Diagnostic, Label, SourceFile, Span, error

STRUCTURE_RULES = frozenset({"unclosed-block", "unmatched-bracket", "too-large", TOO_MANY})
"""After these faults nobody knows which field belongs to which block, or what is in the blocks."""

_OPENERS = ("LBRACE", "LANGLE", "LSQB")
_CLOSERS = {"RBRACE": "}", "RANGLE": ">", "RSQB": "]"}


class Recovery:
    """Feeds an interactive parser, token by token, past every fault."""

    def __init__(self, parser: Any, file: SourceFile, faults: list[Diagnostic]) -> None:
        """Feed `parser`; report to `faults`."""
        self._parser = parser
        self._file = file
        self._faults = faults
        self._open: list[Token] = []  # the names of the blocks that are open
        self._outdented: dict[Token, Token] = {}  # block: the first inside it not further right
        self._last = Token("", file, 0, 0)
        self._last_name: Token | None = None
        self._quiet_line = 0  # a line about which enough was said
        self._lost_line: int = 0  # a line on which anything may mean anything
        self._brackets: list[str] = []  # the types of those that are open

    def feed(self, token: Token) -> None:
        """Give the parser the next token, after whatever is needed to make it fit."""
        while (expected := self._try(token)) is not None:
            if self._mend(token, expected):
                break
        else:
            self._track(token)
        self._last = token

    def finish(self) -> list[Node]:
        """Close what is open and return the fields of the document."""
        end = len(self._file.text)
        self._report_unclosed()
        token = Token("$END", self._file, end, end)
        while (expected := self._try(token)) is not None:
            self._mend(token, expected)
        return self._parser.result

    def _try(self, token: Token) -> set[str] | None:
        """Feed a token; return what was expected when the parser does not take it."""
        try:
            self._parser.result = self._parser.feed_token(token)
        except UnexpectedToken as fault:
            return fault.expected  # type: ignore[return-value]
        if token.type in _OPENERS:
            self._brackets.append(token.type)
        elif token.type in _CLOSERS and self._brackets:
            self._brackets.pop()
        return None

    def _pretend(self, type: str, token: Token) -> None:
        """Feed a token that is not there, just before `token`."""
        self._try(Token(type, self._file, token.start, token.start))

    def _track(self, token: Token) -> None:
        if token.type in ("LBRACE", "LANGLE"):
            name = self._last_name or token
            outer = self._open[-1] if self._open else None
            if outer is not None and self._column(name) <= self._column(outer):
                self._outdented.setdefault(outer, name)
            self._open.append(name)
        elif token.type in ("RBRACE", "RANGLE") and self._open:
            self._open.pop()
        if token.type == "NAME":
            self._last_name = token

    def _mend(self, token: Token, expected: set[str]) -> bool:
        """Report the fault and make room for `token`; True when `token` is to be dropped."""
        if "COLON" in expected:
            return self._after_name(token)
        if self._brackets[-1:] == ["LSQB"] and expected & {"COMMA", "RSQB"}:
            return self._in_list(token)
        if "WORD" in expected:
            whose = f" for `{shortened(self._last_name.name)}`" if self._last_name else ""
            text = f"expected a value{whose}, found {self._show(token)}"
            self._report("missing-value", text, token)
            self._pretend("WORD", token)
            return False
        return self._between_fields(token, expected)

    def _after_name(self, token: Token) -> bool:
        name = self._last
        same_line = self._line(name) == self._line(token)
        if token.type in ("WORD", "STRING") or (token.type == "NAME" and same_line):
            self._report(
                "missing-colon",
                f"expected `:` between `{shortened(name.name)}` and its value",
                token,
                note=f"write `{shortened(name.name)}: {self._show(token)[1:]}",
            )
        else:
            self._report("missing-value", f"`{shortened(name.name)}` has no value", name)
        self._pretend("COLON", token)
        if token.type not in ("WORD", "STRING") and not (token.type == "NAME" and same_line):
            self._pretend("WORD", token)
        return False

    def _in_list(self, token: Token) -> bool:
        if token.type in ("WORD", "NAME", "STRING", "LBRACE", "LANGLE"):
            text = f"expected `,` or `]` in this list, found {self._show(token)}"
            self._report("unclosed-list", text, token)
            self._pretend("COMMA", token)
            return False
        if token.type in ("RBRACE", "RANGLE", "$END"):
            self._report("unclosed-list", "expected `]`: this list is never closed", token)
            self._pretend("RSQB", token)
            return False
        self._report("unclosed-list", f"{self._show(token)} does not belong in a list", token)
        return True

    def _between_fields(self, token: Token, expected: set[str]) -> bool:
        closer = next((t for t in ("RBRACE", "RANGLE") if t in expected), None)
        if token.type == "$END" and closer:
            self._pretend(closer, token)
            return False
        if token.type in ("RBRACE", "RANGLE") and closer:
            wanted = _CLOSERS[closer]
            message = f"this block is closed by `{wanted}`, not by {self._show(token)}"
            self._report("unmatched-bracket", message, token, self._opened_here())
            self._open.pop()
            self._pretend(closer, token)
            return True
        if token.type in _CLOSERS:
            message = f"unmatched {self._show(token)}: no block is open here"
            self._report("unmatched-bracket", message, token)
            return True
        if token.type in ("LBRACE", "LANGLE", "LSQB"):
            self._report("missing-name", f"expected a field name before {self._show(token)}", token)
            self._pretend("NAME", token)
            return False
        note = None
        if token.type == "STRING":
            note = "names of fields are written without quotes"
        elif self._file.text.startswith(("//", "/*"), token.start):
            note = "a comment begins with #"
        text = f"expected a field name, found {self._show(token)}"
        self._report("missing-name", text, token, note=note)
        return True

    def _report_unclosed(self) -> None:
        if not self._open:
            return
        # Whoever lays out a file by hand does not write an inner block further to the left.
        culprit = next((block for block in self._open if block in self._outdented), self._open[-1])
        inside = self._outdented.get(culprit)
        labels = [Label(self._span(inside), "so this counts as inside it")] if inside else []
        message = f"block `{shortened(culprit.name)}` is never closed"
        self._faults.append(error("unclosed-block", message, self._span(culprit), labels))

    def _opened_here(self) -> list[Label]:
        return [Label(self._span(self._open[-1]), "opened here")] if self._open else []

    def _report(
        self,
        rule: str,
        message: str,
        token: Token,
        labels: list[Label] | None = None,
        note: str | None = None,
    ) -> None:
        line = self._line(token)
        # After a fault, what is left of the line may be debris: one word about it is enough.
        quiet = line == self._quiet_line and rule in ("missing-name", "unclosed-list")
        if rule not in STRUCTURE_RULES and line == self._lost_line:
            quiet = True
        if not quiet:
            self._faults.append(error(rule, message, self._span(token), labels or (), note))
        self._quiet_line = line
        if rule in ("missing-name", "unclosed-list"):
            self._lost_line = line

    def _show(self, token: Token) -> str:
        if token.type == "$END":
            return "the end of the file"
        return f"`{shortened(self._file.text[token.start : token.end])}`"

    def _span(self, token: Token) -> Span:
        return Span(self._file, token.start, max(token.end, token.start))

    def _line(self, token: Token) -> int:
        return self._file.position(token.start)[0]

    def _column(self, token: Token) -> int:
        return self._file.position(token.start)[1]
