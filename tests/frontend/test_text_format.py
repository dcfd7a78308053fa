"""Texts mean what they mean to protobuf's own text format."""

import math
from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.nodes import Block, ListField, Node
from netdef.frontend.parse import parse, parse_finely
from netdef.schema import pb
from netdef.schema.lookup import is_repeated
from netdef.source import SourceFile


def read(text: str, message: Any) -> Any:
    """Parse and bind a text without faults."""
    document, faults = parse(SourceFile("text", text))
    faults += bind(document, message, catalog)
    assert [f.message for f in faults] == []
    return message


def same(text: str, kind: type = pb.NetParameter) -> None:
    """Our message equals protobuf's."""
    assert read(text, kind()) == text_format.Parse(text, kind())


def plain(node: Node) -> Any:
    """Return a tree as nested tuples, without recursion limits in mind."""
    if isinstance(node, Block):
        return (node.name, node.start, node.opening, node.end, [plain(f) for f in node.fields])
    if isinstance(node, ListField):
        return (node.name, node.start, node.opening, node.end, [plain(i) for i in node.items])
    return (node.name, node.start, node.raw, node.value_start)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        'name: "x"',
        "name: 'x'",
        "layer { name: 'a' }",
        "layer: { name: 'a' }",
        "layer < name: 'a' >",
        "layer: < name: 'a' param < lr_mult: 2 > >",
        "layer{name:'a'}layer{name:'b'}",
        "layer { name: 'a'; type: 'b', top: 'c' }; layer { }, name: 'z'",
        "input: ['a', 'b'] input: 'c'",
        "input: []",
        "input_dim: [1, 2, 3]",
        "layer: [{ name: 'a' }, { name: 'b' }]",
        "layer [< name: 'a' >, { }]",
        "name: 'a' 'b' \"c\"",
        "name: 'a'\n  # between\n  'b'",
        r"name: 'tab\t nl\n quote\' back\\ oct\101 hex\x41 u\u00e9 U\U0001F600 \a\b\f\v\r'",
        "input_dim: 0x1F input_dim: 017 input_dim: -0x10 input_dim: -5",
        "force_backward: true debug_info: f",
        "force_backward: 1 debug_info: 0",
        "force_backward: True debug_info: False",
        "state { phase: TEST level: 2 stage: 'x' }",
        "state { phase: 0 }",
        "layer { loss_weight: 1 loss_weight: 1.5 loss_weight: .5 loss_weight: 1. }",
        "layer { loss_weight: 2e3 loss_weight: 2E-3 loss_weight: 2e+3 }",
        "layer { loss_weight: 1f loss_weight: 1.5F loss_weight: -1e-3f loss_weight: inf }",
        "layer { loss_weight: -inf loss_weight: infinity loss_weight: [1, 2.5] }",
        "name: 'a'# comment\ninput: 'b' # { not a block\n",
        "\ufeffname: 'a'".lstrip("\ufeff"),
        "layer {\r\n  name: 'a'\r\n}\r\n",
        "layer\n{\nname\n:\n'a'\n}",
    ],
)
def test_same_as_protobuf(text: str) -> None:
    """Every way to write a value."""
    same(text)
    file = SourceFile("text", text)
    coarse, fine = parse(file)[0], parse_finely(file)[0]
    assert plain(coarse) == plain(fine)


def test_beyond_python() -> None:
    """What only protobuf's parser in C++ takes."""
    message = read(r"input_dim: - 5 input_dim: - # five" "\n 5 name: 'what\\?'", pb.NetParameter())
    assert list(message.input_dim) == [-5, -5]
    assert message.name == "what?"


def test_nan() -> None:
    """Not-a-number has no equal, so it is looked at."""
    message = read(
        "layer { loss_weight: nan loss_weight: -nan loss_weight: nanf }", pb.NetParameter()
    )
    assert all(math.isnan(w) for w in message.layer[0].loss_weight)


def test_bytes() -> None:
    """Bytes keep what is no text."""
    same(r"data: '\377\000\x80' label: 3", pb.Datum)


def test_enum_of_every_kind() -> None:
    """Enums inside messages, by name and by number."""
    same("solver_mode: CPU snapshot_format: 0 solver_type: ADAM", pb.SolverParameter)


SCALARS: dict[int, Any] = {
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_FLOAT: st.floats(width=32, allow_nan=False),
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(codec="utf-8"), max_size=8),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
}


@st.composite
def messages(draw: st.DrawFn, kind: type, depth: int = 3) -> Any:
    """Draw a message of `kind` with a few fields set."""
    message = kind()
    descriptor: Descriptor = message.DESCRIPTOR
    for field in draw(st.lists(st.sampled_from(list(descriptor.fields)), max_size=4, unique=True)):
        count = draw(st.integers(1, 3)) if is_repeated(field) else 1
        for _ in range(count):
            if field.message_type is not None:
                if not depth:
                    continue
                inner = draw(messages(field.message_type._concrete_class, depth - 1))
                target = getattr(message, field.name)
                (target.add() if is_repeated(field) else target).CopyFrom(inner)
                continue
            if field.enum_type is not None:
                value = draw(st.sampled_from([v.number for v in field.enum_type.values]))
            else:
                value = draw(SCALARS[field.type])
            if is_repeated(field):
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


@settings(max_examples=150, deadline=None)
@given(messages(pb.NetParameter), st.sampled_from(["lines", "one line", "angles"]))
def test_round_trip(message: Any, layout: str) -> None:
    """What protobuf prints, we read back."""
    text = text_format.MessageToString(
        message, as_one_line=layout == "one line", pointy_brackets=layout == "angles"
    )
    assert read(text, pb.NetParameter()) == message


TEXTS = st.lists(
    st.sampled_from(
        [*"{}<>[]:;,#'\"\n ", "a", "name", "layer {", "1", "-", "- 2", '"s"', "x: 3", "[a.b]", "\\"]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_any_text_parses(text: str) -> None:
    """No text ends in an exception, and a faultless one gives one tree in both grains."""
    file = SourceFile("text", text)
    document, faults = parse(file)
    fine, fine_faults = parse_finely(file)
    assert [f.message for f in faults] == [f.message for f in fine_faults]
    assert plain(document) == plain(fine)
    for fault in faults:
        assert fault.span is not None
        assert 0 <= fault.span.start <= fault.span.end <= len(text)
    bind(document, pb.NetParameter(), catalog)


GAP = st.sampled_from(["", " ", "\t", "\n", "\r\n", "\f", "\v", " # a { ' comment\n", "#\n#: 1\n"])
APART = st.sampled_from([" ", "\t", "\n", "\r\n", "\f\v", " # a } comment\n"])
NAMES = st.sampled_from(["a", "dim", "name", "x9_"])
STRINGS = st.sampled_from(
    ["'a'", '"b"', "'#'", "'\\\\'", "'it\\'s'", '"\u65e5\u672c\U0001f600"', "''"]
)
WORDS = st.sampled_from(["1", "-2", "- 3", "-#\n4", ".5e-3f", "TRAIN", "true", "0x1F", "inf"])


@st.composite
def fields(draw: st.DrawFn, depth: int = 3) -> str:
    """Draw the text of some fields, in every layout that there is."""
    text = draw(GAP)
    for _ in range(draw(st.integers(0, 4))):
        kinds = ["word", "string", "list", "block", "blocks", "extension"]
        kind = draw(st.sampled_from(kinds if depth else kinds[:3]))
        colon = draw(GAP) + ":" + draw(GAP)
        maybe = draw(st.sampled_from([colon, draw(GAP)]))
        name = draw(NAMES)
        if kind == "word":
            text += name + colon + draw(WORDS)
        elif kind == "string":
            text += name + colon + "".join(draw(STRINGS) + draw(GAP) for _ in range(2))
        elif kind == "list":
            items = draw(st.lists(WORDS | STRINGS, max_size=3))
            comma = draw(GAP) + "," + draw(GAP)
            text += name + maybe + "[" + draw(GAP) + comma.join(items) + draw(GAP) + "]"
        elif kind == "blocks":
            items = [draw(block(depth - 1)) for _ in range(draw(st.integers(0, 2)))]
            text += name + maybe + "[" + (draw(GAP) + ",").join(items) + "]"
        else:
            written = f"[{draw(GAP.filter(str.isspace))}a.b ]" if kind == "extension" else name
            text += written + maybe + draw(block(depth - 1))
        text += draw(st.sampled_from([draw(APART), draw(GAP) + ";", ",", draw(GAP) + ", "]))
        text += draw(GAP)
    return text


@st.composite
def block(draw: st.DrawFn, depth: int) -> str:
    """Draw a block in either kind of brackets."""
    opened, closed = draw(st.sampled_from(["{}", "<>"]))
    return opened + draw(fields(depth)) + closed


@settings(max_examples=200, deadline=None)
@given(fields())
@example("a: inf [a.b] { }")
def test_valid_texts_give_one_tree(text: str) -> None:
    """Layouts that no one writes mean the same in both grains, and are no faults."""
    file = SourceFile("text", text)
    document, faults = parse(file)
    fine, fine_faults = parse_finely(file)
    assert [f.message for f in [*faults, *fine_faults]] == []
    assert plain(document) == plain(fine)


def test_depth() -> None:
    """100,000 blocks inside each other are no recursion, nor are as many that are never closed."""
    depth = 100_000
    document, faults = parse(SourceFile("deep", "layer {" * depth + "}" * depth))
    assert faults == []
    at: Node = document.fields[0]
    for _ in range(depth - 1):
        assert isinstance(at, Block)
        at = at.fields[0]
    _, faults = parse(SourceFile("deep", "layer {" * depth))
    assert [f.rule for f in faults] == ["unclosed-block"]
