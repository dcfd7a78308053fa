"""Whatever the text, there is a value or there are diagnostics; and it does not take forever."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netdef
from netdef.frontend.faults import MOST
from netdef.frontend.parse import parse
from netdef.source import Diagnostic, NetdefError, SourceFile
from netdef.source.render_text import render_text

ROOT = Path(__file__).parents[2]
MODELS = [path.read_text() for path in sorted((ROOT / "models").rglob("*.prototxt"))]
INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 8 dim: 9 } } }'
VALUES = [
    *[
        "0",
        "-1",
        "2",
        "1e9",
        "nan",
        "-inf",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "true",
        "TEST",
    ],
    *('""', '"x"', "[1, 2]", "{ }", "<", "}", "'", "#", ";", "\0", "\u00a0", "\ufeff", "\ud800"),
]
TOKEN = re.compile(r"\"[^\"\n]*\"|[\w.+-]+|\s+|.")


def loaded(text: str) -> list[Diagnostic]:
    """Load a text in both phases; return its diagnostics, which can be shown."""
    found: list[Diagnostic] = []
    for phase in ("TRAIN", "TEST"):
        try:
            found += netdef.loads(text, phase=phase).diagnostics
        except NetdefError as fault:
            assert fault.diagnostics
            found += fault.diagnostics
    assert render_text(found) or not found
    return found


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODELS), st.integers(0, 2**32), st.integers(1, 6))
def test_changed_tokens(text: str, seed: int, changes: int) -> None:
    """Words of a real file are dropped, repeated, swapped and replaced."""
    chance = random.Random(seed)
    tokens = TOKEN.findall(text)
    for _ in range(changes):
        at = chance.randrange(len(tokens))
        tokens[at] = chance.choice((*VALUES, "", tokens[at] * 2, chance.choice(tokens)))
    loaded("".join(tokens))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(MODELS), st.integers(0, 10**6), st.binary(max_size=4))
def test_changed_bytes(tmp_path_factory: pytest.TempPathFactory, text: str, at: int, new: bytes):
    """Bytes of a real file, net or solver, are overwritten and cut off."""
    raw = text.encode()
    path = tmp_path_factory.getbasetemp() / "changed.prototxt"
    at %= len(raw)
    path.write_bytes(raw[:at] + new + raw[at + len(new) :] if at % 3 else raw[:at] + new)
    render_text(netdef.check(path))


ABSURD = {
    "thousands of digits": "input_dim: " + "1" * 5000,
    "hexadecimal without end": "input_dim: 0x" + "f" * 5000,
    "half a surrogate": 'name: "\ud800"',
    "a large float": 'layer { name: "a" type: "ReLU" relu_param { negative_slope: 1e400 } }',
    "not a number": INPUT + 'layer { name: "a" type: "Power" bottom: "x" top: "y" '
    "power_param { power: nan } }",
    "a thousand axes": INPUT.replace("dim: 9", "dim: 1 " * 1000),
    "a thousand large axes": INPUT.replace("dim: 9", "dim: 2000000000 " * 1000),
    "negative": INPUT.replace("8", "-8"),
    "nothing": INPUT.replace("8", "0"),
    "largest of 64 bits": INPUT.replace("8", "9223372036854775807"),
    "BatchNorm without tops": INPUT + 'layer { name: "a" type: "BatchNorm" bottom: "x" }',
    "itself": 'layer { name: "a" type: "ReLU" bottom: "a" top: "a" }',
    "no names": 'layer { type: "ReLU" } layer { type: "" } layer { }',
    "empty names": 'layer { name: "" type: "Split" bottom: "" top: "" top: "" }',
}
TYPES = {
    "Convolution": "convolution_param { F: V }",
    "Pooling": "pooling_param { F: V }",
    "InnerProduct": "inner_product_param { F: V }",
    "Reshape": "reshape_param { shape { dim: V } axis: V num_axes: V }",
    "Slice": "slice_param { axis: V slice_point: V }",
    "Concat": "concat_param { axis: V }",
    "Flatten": "flatten_param { axis: V end_axis: V }",
    "LRN": "lrn_param { local_size: V }",
    "Softmax": "softmax_param { axis: V }",
    "Scale": "scale_param { axis: V num_axes: V }",
    "DummyData": "dummy_data_param { shape { dim: V } num: V channels: V }",
}
FIELDS = ("num_output", "kernel_size", "stride", "pad", "group", "dilation", "axis", "kernel_h")
EXTREMES = ("0", "-1", "1", "2147483647", "4294967295", "-2147483648", "9223372036854775807")


@pytest.mark.parametrize("text", ABSURD.values(), ids=ABSURD)
def test_absurd(text: str) -> None:
    """What no one should write, and what fuzzing has found."""
    loaded(text)


@pytest.mark.parametrize("kind", TYPES)
def test_extremes(kind: str) -> None:
    """Every size, axis and count at both ends of its range."""
    bottom = "" if kind == "DummyData" else 'bottom: "x"'
    for value in EXTREMES:
        for field in FIELDS if " F:" in TYPES[kind] else FIELDS[:1]:
            own = TYPES[kind].replace("F", field).replace("V", value)
            if field not in ("num_output",) and kind in ("Convolution", "InnerProduct"):
                own = own.replace("{", "{ num_output: 4 ", 1)
            loaded(f'{INPUT} layer {{ name: "a" type: "{kind}" {bottom} top: "y" {own} }}')


LONG: dict[str, Callable[[int], str]] = {
    "nested": lambda n: "layer {" * n + "}" * n,
    "opened": lambda n: "layer {" * n,
    "lists": lambda n: "a: [" * n,
    "brackets": lambda n: "[" * n,
    "closers": lambda n: "} > ]" * (n // 3),
    "one line": lambda n: 'layer { name: "a" }' * (n // 10),
    "unknown fields": lambda n: "a: 1 " * n,
    "a string": lambda n: f'name: "{"x" * 100 * n}"',
    "an open string": lambda n: 'name: "' + "x" * 100 * n,
    "quotes": lambda n: "'\n" * n,
    "comments": lambda n: "# a comment\n" * 10 * n,
    "empty lines": lambda n: "\n" * 100 * n,
    "a word": lambda n: "a" * 100 * n,
    "digits": lambda n: "input_dim: " + "1" * 100 * n,
    "strays": lambda n: "a: 1\u00a0" * n,
    "separators": lambda n: "a: 1;;" * n,
    "unknown bottoms": lambda n: "".join(
        f'layer {{ name: "a{i}" type: "ReLU" bottom: "b{i}" top: "c{i}" }}\n'
        for i in range(n // 30)
    ),
}


@pytest.mark.parametrize("make", LONG.values(), ids=LONG)
def test_long(make: Callable[[int], str]) -> None:
    """Long texts of every kind end, with a list of faults that someone can read."""
    found = loaded(make(10_000))
    assert len(found) <= 2 * (2 * MOST + 2)
    assert max((len(d.message) for d in found), default=0) < 1000


def test_the_number_of_faults_is_told() -> None:
    """After the first thousand only their number counts."""
    _, faults = parse(SourceFile("text", "}" * 5000))
    assert [f.rule for f in faults[-2:]] == ["unmatched-bracket", "too-many-faults"]
    assert faults[-1].message.startswith("4,000 more faults")


@pytest.mark.parametrize("char", ["\u00a0", "\u200b", "\u2028", "\x85", "\x1c", "\0", "\x7f"])
def test_stray_characters(char: str) -> None:
    """They are no spaces to protobuf; the rest of the text is understood all the same."""
    document, faults = parse(SourceFile("text", f"name:{char}'a'\ninput: 'b{char}' # {char}\n"))
    assert [(f.rule, f.span.line, f.span.column) for f in faults if f.span] == [
        ("stray-character", 1, 6)
    ]
    assert [node.name for node in document.fields] == ["name", "input"]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"\xef\xbb\xbfnam: 'x'", (1, 1)),
        (b"\tname: 'x'\tnam: 'y'", (1, 12)),
        (b"name: 'x'\r\n  nam: 'y'\r\n", (2, 3)),
        ("name: '日本語' nam: 'y'".encode(), (1, 13)),
        ("name: '\U0001f600e\u0301' nam: 'y'".encode(), (1, 13)),
        (b"name: '\xe9' nam: 'y'", (1, 11)),
        (b"name: 'x'\x0c\x0bnam: 'y'", (1, 12)),
        (b"name: 'x' # \xff\nnam: 'y'", (2, 1)),
    ],
)
def test_columns(raw: bytes, place: tuple[int, int]) -> None:
    """Columns count characters, whatever they are and however wide."""
    file = SourceFile.decode("text", raw)
    (fault,) = (d for d in loaded(file.text)[:1])
    assert fault.rule == "unknown-field"
    assert fault.span is not None
    assert (fault.span.line, fault.span.column) == place
