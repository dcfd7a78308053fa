"""Faults are shown at the line and the column where they are."""

from pathlib import Path

import pytest

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.parse import parse
from netdef.schema import pb
from netdef.source import SourceFile


def faults_of(text: str) -> list[tuple[str, int, int]]:
    """Return rule, line and column of every fault."""
    document, faults = parse(SourceFile("text", text))
    faults = [*faults, *bind(document, pb.NetParameter(), catalog)]
    return [(f.rule, f.span.line, f.span.column) for f in faults if f.span]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('name: "x"\nlayr { }', [("unknown-field", 2, 1)]),
        ("layer {\n\tname: 3\n}", [("wrong-type", 2, 8)]),
        ("name: 'a'\nname: 'b'", [("repeated-field", 2, 1)]),
        ("state { }\nstate { }", [("repeated-field", 2, 1)]),
        ("state {\n phase: TRIAN }", [("wrong-enum", 2, 9)]),
        ("state { phase: 7 }", [("wrong-enum", 1, 16)]),
        ("input_dim: 2147483648", [("wrong-type", 1, 12)]),
        ("input_dim: 1e3", [("wrong-type", 1, 12)]),
        ("input_dim: 08", [("wrong-type", 1, 12)]),
        ("input_dim: 1_000", [("wrong-type", 1, 12)]),
        ("input_dim: [1, x]", [("wrong-type", 1, 16)]),
        ("force_backward: yes", [("wrong-type", 1, 17)]),
        ("layer { loss_weight: 1_0 }", [("wrong-type", 1, 22)]),
        ("layer: 3", [("wrong-type", 1, 8)]),
        ("name { }", [("wrong-type", 1, 1)]),
        (r"name: '\q'", [("bad-escape", 1, 7)]),
        (r"name: '\377'", [("bad-escape", 1, 7)]),
        (r"name: '\ud800'", [("bad-escape", 1, 7)]),
        ("name 'x'", [("missing-colon", 1, 6)]),
        ("layer {\n name:\n}", [("missing-value", 3, 1)]),
        ("layer {", [("unclosed-block", 1, 1)]),
        ("layer { }\n}", [("unmatched-bracket", 2, 1)]),
        ("layer { >", [("unmatched-bracket", 1, 9)]),
        ("name: 'x", [("unclosed-string", 1, 7)]),
        ("input_dim b name: 'x'", [("missing-colon", 1, 11), ("wrong-type", 1, 11)]),
    ],
)
def test_place(text: str, expected: list[tuple[str, int, int]]) -> None:
    """Rule, line and column."""
    assert sorted(faults_of(text)) == sorted(expected)


def test_several_faults_in_one_run() -> None:
    """Faults of different kinds do not hide each other."""
    text = "layer { nam: 'a' }\nlayer { type: 3 }\nname 'x'\nforce_backward: maybe\n"
    assert [rule for rule, _, _ in sorted(faults_of(text), key=lambda f: f[1])] == [
        "unknown-field",
        "wrong-type",
        "missing-colon",
        "wrong-type",
    ]


def test_latin1_comment_and_byte_order_mark(tmp_path: Path) -> None:
    """Old files with stray bytes are read; a byte order mark is not part of the text."""
    path = tmp_path / "old.prototxt"
    path.write_bytes(b"# caf\xe9\nname: 'x'\n")
    assert SourceFile.read(path).text == "# caf\xe9\nname: 'x'\n"
    path.write_bytes(b"\xef\xbb\xbfname: 'x'\n")
    assert SourceFile.read(path).text == "name: 'x'\n"
