"""One list of diagnostics in every form, and texts that are hard to point into."""

import json

import pytest

from netdef.source import Diagnostic, Label, SourceFile, Span, error, hint, warning
from netdef.source.render_github import render_github
from netdef.source.render_json import render_json
from netdef.source.render_text import render_text

FILE = SourceFile("net.prototxt", 'name: "x"\nlayer { bottom: "dta" }\n')


def at(file: SourceFile, part: str) -> Span:
    """The first place of `part`."""
    start = file.text.index(part)
    return Span(file, start, start + len(part))


LIST = [
    error(
        "unknown-bottom",
        "no layer makes `dta`",
        at(FILE, '"dta"'),
        [Label(at(FILE, "layer"), "read here")],
        "did you mean `data`?",
    ).with_phases("TEST"),
    warning("no-weights", "no weights were given: 100%, really"),
    hint("unused-top", "no layer reads `x`", at(FILE, '"x"')),
]


def test_text() -> None:
    """For people: place, line, caret, second place, help."""
    assert render_text(LIST) == (
        "net.prototxt:2:17: error[unknown-bottom]: no layer makes `dta` (phase TEST)\n"
        ' 2 | layer { bottom: "dta" }\n'
        "   |                 ^^^^^\n"
        "   --> net.prototxt:2:1: read here\n"
        ' 2 | layer { bottom: "dta" }\n'
        "   | ^^^^^\n"
        "   = help: did you mean `data`?\n"
        "warning[no-weights]: no weights were given: 100%, really\n"
        "net.prototxt:1:7: hint[unused-top]: no layer reads `x`\n"
        ' 1 | name: "x"\n'
        "   |       ^^^\n"
    )


def test_text_is_painted_by_severity() -> None:
    """Every part names its style; what is printed is the same."""
    styles: list[str] = []

    def paint(text: str, style: str) -> str:
        styles.append(style)
        return text

    assert render_text(LIST, paint) == render_text(LIST)
    assert {"error", "warning", "hint", "place", "gutter", "note"} == set(styles)


def test_github() -> None:
    """Workflow commands: hints are notices, and what has a meaning there is escaped."""
    assert render_github(LIST) == (
        "::error file=net.prototxt,line=2,col=17::"
        "no layer makes `dta` [unknown-bottom]%0Adid you mean `data`?\n"
        "::warning::no weights were given: 100%25, really [no-weights]\n"
        "::notice file=net.prototxt,line=1,col=7::no layer reads `x` [unused-top]\n"
    )


def test_github_escapes_paths() -> None:
    """A colon or a comma in a path would end it."""
    file = SourceFile("a:b,c.prototxt", "x")
    assert render_github([error("r", "m", Span(file, 0, 1))]).startswith(
        "::error file=a%3Ab%2Cc.prototxt,line=1,col=1::"
    )


def test_json() -> None:
    """For programs: all there is, lines and columns from 1, ends past the last character."""
    first, second, third = json.loads(render_json(LIST))
    assert first == {
        "rule": "unknown-bottom",
        "severity": "error",
        "message": "no layer makes `dta`",
        "path": "net.prototxt",
        "line": 2,
        "column": 17,
        "end_line": 2,
        "end_column": 22,
        "labels": [
            {
                "message": "read here",
                "path": "net.prototxt",
                "line": 2,
                "column": 1,
                "end_line": 2,
                "end_column": 6,
            }
        ],
        "note": "did you mean `data`?",
        "phases": ["TEST"],
    }
    assert second["path"] is None and second["line"] is None
    assert third["severity"] == "hint"


def shown(text: str, part: str) -> list[str]:
    """The excerpt of the first place of `part`, without the gutter."""
    file = SourceFile("f", text)
    span = at(file, part)
    lines = render_text([Diagnostic("r", error("r", "m").severity, "m", span)]).splitlines()
    return [line.partition("| ")[2] for line in lines[1:]]


@pytest.mark.parametrize(
    ("text", "part", "excerpt"),
    [
        ("\tname:\tx", "x", ["\tname:\tx", "\t     \t^"]),  # tabs stay, also below
        ("a: 八 b: x", "x", ["a: 八 b: x", "         ^"]),  # one character, two columns
        ("a: 八八 b", "八八", ["a: 八八 b", "   ^^^^"]),
        ("a: é b", "b", ["a: é b", "     ^"]),
        ("a: e\u0301 b", "b", ["a: e\u0301 b", "     ^"]),  # a combining accent takes no column
        ("one\r\ntwo three\r\n", "three", ["two three", "    ^^^^^"]),  # Windows line ends
    ],
)
def test_the_caret_is_under_its_character(text: str, part: str, excerpt: list[str]) -> None:
    """In a terminal, which is what it is made for."""
    assert shown(text, part) == excerpt


def test_a_place_across_lines() -> None:
    """The caret stays on the first of them."""
    assert shown('a: "x\ny"', '"x\ny"') == ['a: "x', "   ^^"]


def test_a_very_long_line() -> None:
    """An excerpt of it, with the caret at the right character."""
    text = "x" * 5000 + "HERE" + "y" * 5000
    line, caret = shown(text, "HERE")
    assert len(line) == 106 and line.startswith("...x") and line.endswith("y...")
    assert line[caret.index("^") : caret.index("^") + 4] == "HERE"
    assert caret.count("^") == 4


def test_a_very_long_place() -> None:
    """It is cut where the excerpt is."""
    line, caret = shown("a: " + "z" * 5000, "z" * 5000)
    assert line.startswith("a: z") and line.endswith("...")
    assert caret.strip("^ ") == "" and len(caret) <= len(line)


def test_an_empty_file() -> None:
    """It has one line, and that can be pointed at."""
    file = SourceFile("empty", "")
    assert render_text([error("empty-net", "nothing", Span(file, 0, 0))]) == (
        "empty:1:1: error[empty-net]: nothing\n 1 |\n   | ^\n"
    )


def test_the_end_of_a_file() -> None:
    """Behind the last line end there is one more line, an empty one."""
    file = SourceFile("f", "a\nb\n")
    assert str(Span(file, 4, 4)) == "f:3:1"
    assert render_text([error("r", "m", Span(file, 4, 4))]).endswith(" 3 |\n   | ^\n")


def test_line_numbers_share_a_gutter() -> None:
    """Of all places of a diagnostic."""
    file = SourceFile("f", "first\n" + "\n" * 98 + "last")
    text = render_text([error("r", "m", at(file, "first"), [Label(at(file, "last"), "there")])])
    assert text.splitlines()[1:] == [
        "   1 | first",
        "     | ^^^^^",
        "     --> f:100:1: there",
        " 100 | last",
        "     | ^^^^",
    ]
