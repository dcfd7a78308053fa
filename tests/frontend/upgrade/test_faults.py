"""Old files that are mixed or broken: what is said, and where."""

import pytest

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.parse import parse
from netdef.frontend.upgrade import upgrade, upgrade_solver
from netdef.schema import pb
from netdef.source import SourceFile


def faults_of(text: str) -> list[tuple[str, str]]:
    """Return the rule of every fault of upgrading and binding, and the text that it points at."""
    document, faults = parse(SourceFile("text", text))
    assert faults == []
    document, faults = upgrade(document)
    faults += bind(document, pb.NetParameter(), catalog)
    return [(f.rule, text[f.span.start : f.span.end]) for f in faults if f.span]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # V1
        ("layers { type: CONVOLUTOIN }", [("unknown-layer-type", "CONVOLUTOIN")]),
        ("layers { type: NONE }", [("unknown-layer-type", "NONE")]),
        ("layers { type: 99 }", [("unknown-layer-type", "99")]),
        ('layers { type: "ReLU" }', [("mixed-formats", '"ReLU"')]),
        ("layers { type: RELU param { lr_mult: 1 } }", [("mixed-formats", "param")]),
        ("layers { type: RELU blob_lr: 1 }", [("unknown-field", "blob_lr")]),
        ('layers { type: RELU blobs_lr: "x" }', [("wrong-type", '"x"')]),
        ("layers { type: RELU blobs_lr: [1, x] }", [("wrong-type", "x")]),
        ("layers { type: RELU blobs_lr { } }", [("wrong-type", "blobs_lr")]),
        ("layers { type: RELU blob_share_mode: LOOSE }", [("wrong-enum", "LOOSE")]),
        ("layers { type: RELU type: RELU }", [("repeated-field", "type")]),
        ("layers: 3", [("wrong-type", "3")]),
        ("layers { type: RELU } layer { }", [("mixed-formats", "layer")]),
        ("layer { } layers { type: RELU }", [("mixed-formats", "layers")]),
        (
            "layers { type: DATA data_param { scale: 2 } transform_param { scale: 3 } }",
            [("ignored-field", "scale")],
        ),
        # V0
        ('layers { layer { type: "cnov" } }', [("unknown-layer-type", '"cnov"')]),
        ("layers { layer { type: conv } }", [("wrong-type", "conv")]),
        ('layers { layer { type: "conv" kernel: 3 } }', [("unknown-field", "kernel")]),
        ('layers { layer { type: "conv" pad: [1, 2] } }', [("repeated-field", "2")]),
        ('layers { layer { type: "relu" pad: 1 } }', [("ignored-field", "pad")]),
        ('layers { layer { type: "relu" } blobs_lr: 1 }', [("mixed-formats", "blobs_lr")]),
        ("layers { layer: 3 }", [("wrong-type", "3")]),
        ("layers { layer { } layer { } }", [("repeated-field", "layer")]),
        (
            'layers { layer { type: "relu" } } layers { type: RELU }',
            [("mixed-formats", "layers")],
        ),
        # current
        (
            'layer { type: "Data" data_param { mirror: true } }',
            [("ignored-field", "mirror")],
        ),
        ('layer { type: "Foo" data_param { mirror: true } }', []),
        ('layer { type: "Pooling" pooling_param { ceil_mode: maybe } }', [("wrong-type", "maybe")]),
        # inputs
        ('input: "x"', [("input-shape", 'input: "x"')]),
        ('input: "x" input_dim: 1', [("input-shape", "input_dim: 1")]),
        ('input: "x" input_shape { } input_shape { }', [("input-shape", "input_shape")]),
        ('input: "x" input_shape { } input_dim: 1', [("ignored-field", "input_dim")]),
        ("input_dim: 1", [("ignored-field", "input_dim")]),
    ],
)
def test_faults(text: str, expected: list[tuple[str, str]]) -> None:
    """Each one at its place, and nothing that follows from it."""
    assert faults_of(text) == expected


PADDED = """
layers {{ layer {{ name: "pad" type: "padding" pad: 2 }} bottom: "in" top: "pad" }}
layers {{ layer {{ name: "x" type: "{type}" {more} }} bottom: "pad" {bottom} top: "x" }}
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "conv"}, []),
        ({"type": "pool"}, []),
        ({"type": "relu"}, [("padding-layer", '"pad"')]),
        ({"type": "conv", "bottom": 'bottom: "y"'}, [("padding-layer", '"pad"')]),
        ({"type": "conv", "more": "pad: 1"}, [("ignored-field", "pad")]),
    ],
)
def test_padding(given: dict[str, str], expected: list[tuple[str, str]]) -> None:
    """Only a convolution or pooling can take over the padding."""
    assert faults_of(PADDED.format(**{"more": "", "bottom": "", **given})) == expected


def test_a_padding_layer_has_one_bottom() -> None:
    """Else nobody knows what its reader is to read."""
    text = 'layers { layer { name: "p" type: "padding" } bottom: "a" bottom: "b" top: "c" }'
    assert faults_of(text) == [("padding-layer", "name")]


def test_suggestions() -> None:
    """Names that are near are names of the format that the file is in."""
    text = (
        'layers { type: CONVOLUTOIN } layers { type: RELU blob_lr: 1 } layers { type: "Pooling" }'
    )
    _, faults = upgrade(parse(SourceFile("text", text))[0])
    assert [fault.note for fault in faults] == [
        "did you mean `CONVOLUTION`?",
        "did you mean `blobs_lr`?",
        "write POOLING",
    ]


def test_a_type_of_another_fork_is_kept() -> None:
    """What it computes nobody knows; the rest of the net is understood all the same."""
    document, faults = upgrade(parse(SourceFile("text", "layers { type: WARP foo_param { } }"))[0])
    message = pb.NetParameter()
    assert [*faults, *bind(document, message, catalog)] == []
    assert message.layer[0].type == "WARP"


def test_solver_with_both_types() -> None:
    """The reference refuses it, too."""
    text = 'type: "Adam" solver_type: SGD'
    _, faults = upgrade_solver(parse(SourceFile("text", text))[0])
    assert [(f.rule, f.span and f.span.column) for f in faults] == [("mixed-formats", 14)]
