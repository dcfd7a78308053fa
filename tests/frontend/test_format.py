"""The canonical layout: examples, and what holds for every text."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.comments import STRING_OR_COMMENT
from netdef.frontend.format import format_document
from netdef.frontend.nodes import Block, Document, ListField, Node, Scalar
from netdef.frontend.parse import parse
from netdef.schema import pb
from netdef.source import SourceFile

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "models").rglob("*.prototxt"))
CORPUS = ROOT.parent / "shared" / "conformance" / "corpus"
FILES = sorted(CORPUS.rglob("*.prototxt"))


def parsed(text: str) -> Document:
    """Parse a text without faults."""
    document, faults = parse(SourceFile("text", text))
    assert [f.message for f in faults] == []
    return document


def formatted(text: str) -> str:
    """Format a text, and see that a second time changes nothing."""
    result = format_document(parsed(text))
    assert format_document(parsed(result)) == result
    return result


def comments(text: str) -> list[str]:
    """Return the comments in their order."""
    return [m[2].rstrip() for m in STRING_OR_COMMENT.finditer(text) if m[2]]


def message(text: str) -> bytes:
    """Return what a text says as a message, as far as it says it rightly."""
    document = parsed(text)
    is_solver = any(node.name == "base_lr" for node in document.fields)
    result = pb.SolverParameter() if is_solver else pb.NetParameter()
    bind(document, result, catalog)
    return result.SerializeToString(deterministic=True)


EXAMPLES = {
    "empty": ("", ""),
    "only blank lines": ("\n \n\t\n", ""),
    "fields and blocks": (
        'name:\'x\' layer{name:"a" \n top : "b"}',
        """\
name: "x"
layer {
  name: "a"
  top: "b"
}
""",
    ),
    "a block on one line stays there": (
        """\
layer {
    name: "a"
    param { lr_mult: 1 } param{decay_mult:0}
    input_param{shape{dim:1 dim:3}}
    lrn_param { }
}
""",
        """\
layer {
  name: "a"
  param { lr_mult: 1 }
  param { decay_mult: 0 }
  input_param { shape { dim: 1 dim: 3 } }
  lrn_param {}
}
""",
    ),
    "a line has 100 columns": (
        f'layer {{ name: "{"x" * 82}" }}\nlayer {{ name: "{"x" * 83}" }}\n',
        f'layer {{ name: "{"x" * 82}" }}\nlayer {{\n  name: "{"x" * 83}"\n}}\n',
    ),
    "a comment behind a line is not measured": (
        f'layer {{ name: "x" }}  # {"long " * 30}end\n',
        f'layer {{ name: "x" }}  # {"long " * 30}end\n',
    ),
    "colons, brackets and separators": (
        "layer: < name: 'a'; top: 'b', >; layer: { name: 'c' }, input ['d']",
        """\
layer { name: "a" top: "b" }
layer { name: "c" }
input: ["d"]
""",
    ),
    "quotes": (
        r"""input: 'a' input: 'say "b"' input: 'it\'s' input: "it's" input: 'say \"c\"'""",
        r"""input: "a"
input: 'say "b"'
input: "it\'s"
input: "it's"
input: "say \"c\""
""",
    ),
    "adjacent strings": (
        """name: 'a' "b"\n  'c'\ninput:\n  'd'\n""",
        """\
name: "a" "b"
  "c"
input: "d"
""",
    ),
    "digits": (
        "layer { loss_weight: 1.50 loss_weight: 1e-05 loss_weight: .5f loss_weight: - 007 }",
        "layer { loss_weight: 1.50 loss_weight: 1e-05 loss_weight: .5f loss_weight: -007 }\n",
    ),
    "lists": (
        """\
input_dim: [1,
            2]
layer: [ { name: 'a' },
  { name: 'b'
  } ]
input: [ ]
""",
        """\
input_dim: [1, 2]
layer: [
  { name: "a" },
  {
    name: "b"
  }
]
input: []
""",
    ),
    "a list that is too long": (
        f"input: ['{'x' * 60}', '{'y' * 60}']",
        f'input: [\n  "{"x" * 60}",\n  "{"y" * 60}"\n]\n',
    ),
    "names of extensions": (
        "[ a.b ] { c: 1 } [d.e/f.g]: 2",
        "[a.b] { c: 1 }\n[d.e/f.g]: 2\n",
    ),
    "groups": (
        "\n\nname: 'a'\n\n\n\ninput: 'b'\ninput: 'c'\n \t\n"
        "layer {\n\n top: 'd'\n\n\n top: 'e'\n\n}\n\n",
        """\
name: "a"

input: "b"
input: "c"

layer {
  top: "d"

  top: "e"
}
""",
    ),
    "comments above and behind": (
        """\
# head

   #the name
name: 'a'# behind
layer { # open
      # above
  top: 'b'   # behind

  # dangling
} # closed
# end""",
        """\
# head

#the name
name: "a"  # behind
layer {  # open
  # above
  top: "b"  # behind

  # dangling
}  # closed
# end
""",
    ),
    "comments within a field go above it": (
        "name: 'z'\n\ninput # one\n: # two\n'a' # three\n"
        "layer # four\n{ }\ninput_dim: - # five\n 6\n",
        """\
name: "z"

# one
# two
input: "a"  # three
# four
layer {}
# five
input_dim: -6
""",
    ),
    "comments between strings": (
        "name:\n 'a' # one\n # two\n 'b' 'c' # three\n",
        """\
name: "a"  # one
  # two
  "b" "c"  # three
""",
    ),
    "comments in lists": (
        "input: [ # open\n 'a', # one\n # two\n 'b' # behind\n , 'c'\n # end\n] # closed\n",
        """\
input: [  # open
  "a",  # one
  # two
  "b",  # behind
  "c"
  # end
]  # closed
""",
    ),
    "a comment spreads its block": (
        "layer { name: 'a' lrn_param { # why\n } }",
        """\
layer {
  name: "a"
  lrn_param {  # why
  }
}
""",
    ),
    "a comment after a separator": (
        "name: 'a' # behind\n; # above\ninput: 'b'",
        'name: "a"  # behind\n# above\ninput: "b"\n',
    ),
    "what looks like a comment": (
        "name: '# no' # yes \"\ninput: \"it's # no\"",
        'name: "# no"  # yes "\ninput: "it\'s # no"\n',
    ),
    "Windows and tabs": (
        "# one\t\r\nlayer {\r\n\tname: 'a\tb'\t# two\r\n\r\n\ttop: 'c'\r\n}\r\n",
        '# one\nlayer {\n  name: "a\tb"  # two\n\n  top: "c"\n}\n',
    ),
    "unknown fields too": (
        "layer { type: 'Mine' mine_param < a:[1,2] > }",
        'layer { type: "Mine" mine_param { a: [1, 2] } }\n',
    ),
}


@pytest.mark.parametrize(("before", "after"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_example(before: str, after: str) -> None:
    assert formatted(before) == after


OLD = """\
name: "net"

# what comes in
input: "data"  # an image
# its sizes
input_dim: 1  # N
input_dim: 3

# unused
debug_info: true  # gone too

# the only layer
layers {  # old
  # of a convolution
  name: "a"
  blobs_lr: 1  # weights
  # left
} # end
# last
"""


def test_derived_document() -> None:
    """Comments follow the nodes; those of a node that is gone go to the next one that is left."""
    original = parsed(OLD)
    file = original.file
    name, data, n, c, _debug, layers = original.fields
    assert isinstance(data, Scalar)
    assert isinstance(n, Scalar)
    assert isinstance(c, Scalar)
    assert isinstance(layers, Block)
    inner, rate = layers.fields
    assert isinstance(rate, Scalar)

    def made(name: str, place: Node, *fields: Node) -> Block:
        return Block(file, name, place.start, place.start, list(fields), place.end)

    def field(name: str, place: Scalar, raw: str) -> Scalar:
        return Scalar(file, name, place.start, raw, place.value_start)

    shape = made("shape", n, field("dim", n, "1"), field("dim", c, "3"))
    source = made(
        "layer", data, field("name", data, '"in"'), field("top", data, data.raw),
        made("input_param", data, shape),
    )  # fmt: skip
    fields: list[Node] = [inner, made("param", rate, field("lr_mult", rate, "1"))]
    layer = Block(file, "layer", layers.start, layers.opening, fields, layers.end)
    assert (
        format_document(Document(file, [name, source, layer]), original)
        == """\
name: "net"

# what comes in
# an image
layer {
  name: "in"
  top: "data"
  input_param {
    # its sizes
    # N
    shape { dim: 1 dim: 3 }
  }
}

# unused
# gone too

# the only layer
layer {  # old
  # of a convolution
  name: "a"
  # weights
  param { lr_mult: 1 }
  # left
}  # end
# last
"""
    )


def test_nothing_is_left() -> None:
    """The comments of a document without nodes are still there."""
    original = parsed(OLD)
    result = format_document(Document(original.file, []), original)
    assert comments(result) == comments(OLD)


def test_comments_in_a_value_that_was_replaced() -> None:
    original = parsed("name: 'a' # one\n 'b' # two\ninput: 'c'")
    name, rest = original.fields
    assert isinstance(name, Scalar)
    changed = Scalar(name.file, "name", name.start, '"ab"', name.value_start)
    result = format_document(Document(original.file, [changed, rest]), original)
    assert result == '# one\nname: "ab"  # two\ninput: "c"\n'


def test_flattened_list() -> None:
    original = parsed("input: [ # all\n 'a', # one\n 'b' # two\n]")
    values = original.fields[0]
    assert isinstance(values, ListField)
    items = [
        Scalar(i.file, "top", i.start, i.raw, i.start)
        for i in values.items
        if isinstance(i, Scalar)
    ]
    result = format_document(Document(original.file, [*items]), original)
    assert comments(result) == ["# all", "# one", "# two"]


NUMBERS = st.sampled_from([["1"], ["0x1F"], ["-7"], ["-", "7"], ["017"]])
STRINGS = st.lists(
    st.sampled_from(["'a'", '"b"', "'#'", r"'it\'s'", "'say \"x\"'", r'"\n"', "''"]),
    min_size=1,
    max_size=3,
)
PLAIN = {"input": STRINGS, "input_dim": NUMBERS}
OF_A_LAYER = {"bottom": STRINGS, "top": STRINGS, "loss_weight": NUMBERS, "param": None}
OF_A_PARAM = {"name": STRINGS, "lr_mult": NUMBERS}
INSIDE = {"layer": OF_A_LAYER, "param": OF_A_PARAM}


@st.composite
def block(draw: st.DrawFn, fields: dict[str, Any]) -> list[str]:
    """Draw the tokens of a block's or list item's brackets and what is in them."""
    opening, closing = draw(st.sampled_from(["{}", "<>"]))
    return [opening, *draw(several(fields)), closing]


@st.composite
def several(draw: st.DrawFn, fields: dict[str, Any]) -> list[str]:
    """Draw the tokens of a few fields, some of them repeated."""
    tokens: list[str] = []
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=4)):
        plain = fields[name]
        value = block(INSIDE[name]) if plain is None else plain
        colon = [":"] if plain is not None or draw(st.booleans()) else []
        if draw(st.integers(0, 3)):
            tokens += [name, *colon, *draw(value)]
        else:
            items = draw(st.lists(value, max_size=3))
            commas = [[","]] * (len(items) - 1) + [[]]
            inside = [t for item, comma in zip(items, commas, strict=False) for t in item + comma]
            tokens += [name, ":", "[", *inside, "]"]
        tokens += draw(st.sampled_from([[], [], [";"], [","]]))
    return tokens


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a net's text with spaces, line ends and comments anywhere between its tokens."""
    tokens = ["", *draw(several({**PLAIN, "layer": None})), ""]
    gaps = st.sampled_from(["", " ", " ", "\n", "\n\n\n", "\t", "\r\n", "\r\n \r\n", "#"])
    parts: list[str] = []
    number = 0
    for left, right in pairwise(tokens):
        gap = "".join(draw(st.lists(gaps, min_size=1, max_size=3)))
        while "#" in gap:
            number += 1
            gap = gap.replace("#", f"\0 {number} ' {{ \" ]\t;\n", 1)
        marks = "{}<>[]:;,\"'"
        if not gap and left and right and left[-1] not in marks and right[0] not in marks:
            gap = " "
        parts += [gap.replace("\0", "#"), right]
    text = "".join(parts)
    return text.rstrip("\n") if draw(st.booleans()) else text


@settings(max_examples=300, deadline=None)
@given(texts())
def test_every_text(text: str) -> None:
    """Whatever it looked like: the same message, the same comments, and no change the next time."""
    result = formatted(text)
    assert comments(result) == comments(text)
    assert message(result) == message(text)
    assert "\r" not in result
    assert "\n\n\n" not in result
    assert not result.startswith("\n")
    assert not result.endswith("\n\n")
    assert not any(line.startswith("\t") or line != line.rstrip() for line in result.split("\n"))


@pytest.mark.slow
@settings(max_examples=3_000, deadline=None)
@given(texts())
def test_every_text_at_length(text: str) -> None:
    test_every_text.hypothesis.inner_test(text)  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", MODELS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_models_are_in_order(path: Path) -> None:
    text = path.read_text()
    assert formatted(text) == text


@pytest.mark.skipif(not FILES, reason="the published files are not ours to carry along")
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_corpus(step: int) -> None:
    """The published files, in one test: they are many and quick."""
    for path in FILES[::step]:
        text = SourceFile.read(path).text
        result = formatted(text)
        assert comments(result) == comments(text), path
        assert message(result) == message(text), path


@pytest.mark.parametrize("depth", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("layout", ["a {", "a { # c\n", "a {\n", "a: [ {"])
def test_depth(layout: str, depth: int) -> None:
    """Nothing recurses, and indentation ends somewhere."""
    closing = {"{": "}", "[": "]"}
    end = "".join(closing[char] for char in reversed(layout) if char in closing)
    result = formatted(layout * depth + end * depth)
    assert len(result) < 500 * depth
    assert len(comments(result)) == (depth if "#" in layout else 0)


def test_time() -> None:
    """A long file takes well under a second."""
    text = (ROOT / "models" / "lenet" / "train_val.prototxt").read_text()
    text *= 10_000 // text.count("\n") + 1
    document = parsed(text)
    start = time.perf_counter()
    assert format_document(document) == text
    assert time.perf_counter() - start < 1
