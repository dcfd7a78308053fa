"""What upgrading makes of old forms, and what it leaves alone."""

import time

import pytest

import netdef
from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.format import format_document
from netdef.frontend.nodes import Block
from netdef.frontend.parse import parse
from netdef.frontend.upgrade import upgrade, upgrade_solver, upgrades_of
from netdef.frontend.upgrade.v1_types import V1_TYPES
from netdef.schema import pb
from netdef.source import SourceFile


def upgraded(text: str) -> str:
    """Return the upgraded text of a net without faults, laid out."""
    original, faults = parse(SourceFile("text", text))
    document, more = upgrade(original)
    assert [*faults, *more, *bind(document, pb.NetParameter(), catalog)] == []
    return format_document(document, original)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            'layers { type: RELU name: "r" bottom: "a" top: "b" }',
            'layer { type: "ReLU" name: "r" bottom: "a" top: "b" }\n',
        ),
        ("layers { type: 18 }", 'layer { type: "ReLU" }\n'),
        (
            "layers [{ type: RELU }, { type: TANH }]",
            'layer { type: "ReLU" }\nlayer { type: "TanH" }\n',
        ),
        (
            "layers { type: POWER blobs_lr: [1, 2] weight_decay: 0 }",
            'layer { type: "Power" param { lr_mult: 1 decay_mult: 0 } param { lr_mult: 2 } }\n',
        ),
        (
            "layers { type: DATA data_param { scale: 2 source: 'x' } transform_param { } }",
            'layer { type: "Data" data_param { source: "x" } transform_param { scale: 2 } }\n',
        ),
        (
            "layers { type: CONVOLUTION3D convolution_param { kernel_depth: 3 engine: CAFFE } }",
            None,
        ),
        (
            "layers { type: POOLING3D pooling_param { kernel_depth: 3 } }",
            'layer { type: "Pooling3D" pooling3d_param { kernel_depth: 3 } }\n',
        ),
        (
            "layers { type: VIDEO_DATA image_data_param { new_length: 16 mean_value: 128 } }",
            'layer { type: "VideoData" transform_param { mean_value: 128 }'
            " video_data_param { new_length: 16 } }\n",
        ),
        (
            'layer { type: "Pooling" pooling_param { ceil_mode: false } }',
            'layer { type: "Pooling" pooling_param { round_mode: FLOOR } }\n',
        ),
        (
            'layer { type: "Pooling" pooling_param { ceil_mode: 1 round_mode: CEIL } }',
            'layer { type: "Pooling" pooling_param { round_mode: CEIL } }\n',
        ),
        (
            'layer { type: "BatchNorm" param { lr_mult: 1 } param { } param { decay_mult: 0 } }',
            'layer {\n  type: "BatchNorm"\n'
            + "  param { lr_mult: 0 decay_mult: 0 }\n" * 2
            + "  param { decay_mult: 0 lr_mult: 0 }\n}\n",
        ),
        (
            'layers { layer { type: "window_data" det_crop_mode: "warp" cropsize: 3 } top: "x" }',
            'layer {\n  type: "WindowData"\n  top: "x"\n'
            '  window_data_param { crop_mode: "warp" }\n  transform_param { crop_size: 3 }\n}\n',
        ),
    ],
)
def test_forms(old: str, new: str | None) -> None:
    """Each old form, and what it is now."""
    if new is None:  # a field that has no place any more is left out, and said
        document, faults = upgrade(parse(SourceFile("text", old))[0])
        assert [fault.rule for fault in faults] == ["ignored-field"]
        assert "engine" not in format_document(document)
    else:
        assert upgraded(old) == new
        assert upgraded(new) == new


def test_every_type_of_the_schema_has_a_name() -> None:
    """The table is complete."""
    assert set(V1_TYPES) == set(pb.V1LayerParameter.LayerType.keys()) - {"NONE"}


COMMENTED = """\
# the net
input: "data"
input_dim: 1
input_dim: 3
input_dim: 8
input_dim: 8

# --- first
layers {  # conv
  # its name
  name: "c"  # named
  type: CONVOLUTION  # typed
  bottom: "data"
  top: "c"
  blobs_lr: 1
  # rate of the bias
  blobs_lr: 2
  convolution_param { num_output: 4 kernel_size: 3 }  # small
}
# the end
"""
UPGRADED = """\
# the net
layer {
  name: "input"
  type: "Input"
  top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } }
}

# --- first
layer {  # conv
  # its name
  name: "c"  # named
  type: "Convolution"  # typed
  bottom: "data"
  top: "c"
  param { lr_mult: 1 }
  # rate of the bias
  param { lr_mult: 2 }
  convolution_param { num_output: 4 kernel_size: 3 }  # small
}
# the end
"""


def test_comments_stay_where_they_belong() -> None:
    """Moved nodes keep the places of what they come from."""
    assert upgraded(COMMENTED) == UPGRADED


def test_places_survive() -> None:
    """A fault of a shape points into the old text."""
    text = COMMENTED.replace("num_output: 4", "num_output: 0")
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(text)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert text[span.start : span.end] == "0"


def test_padding_goes_to_every_reader() -> None:
    """A convolution and a pooling, which read what the padding layer read."""
    text = """
    layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "in" top: "pad" }
    layers { layer { name: "c" type: "conv" num_output: 1 } bottom: "pad" top: "c" }
    layers { layer { name: "p" type: "pool" } bottom: "pad" top: "p" }
    """
    document, faults = upgrade(parse(SourceFile("text", text))[0])
    message = pb.NetParameter()
    assert [*faults, *bind(document, message, catalog)] == []
    assert [layer.bottom[0] for layer in message.layer] == ["in", "in"]
    assert message.layer[0].convolution_param.pad == [2]
    assert message.layer[1].pooling_param.pad == 2


def test_what_was_done_is_recorded() -> None:
    """A command can say it; a current document comes back as it is."""
    document, _ = upgrade(parse(SourceFile("text", COMMENTED))[0])
    assert upgrades_of(document) == ("V1 `layers` to `layer`", "input fields to an Input layer")
    current, _ = parse(SourceFile("text", UPGRADED))
    assert upgrade(current) == (current, [])
    assert upgrades_of(current) == ()


@pytest.mark.parametrize("name", ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
def test_solver_type(name: str) -> None:
    """The enum's values, by name and by number."""
    for raw in (name.upper(), str(pb.SolverParameter.SolverType.Value(name.upper()))):
        document, faults = upgrade_solver(parse(SourceFile("text", f"solver_type: {raw}"))[0])
        message = pb.SolverParameter()
        assert [*faults, *bind(document, message, catalog)] == []
        assert message == pb.SolverParameter(type=name)


def test_nets_inside_a_solver() -> None:
    """They are of old forms as others are."""
    text = "test_net_param [{ layers { type: RELU } }] net_param { layers { type: TANH } }"
    document, faults = upgrade_solver(parse(SourceFile("text", text))[0])
    assert faults == []
    nets = [*document.all("test_net_param"), *document.all("net_param")]
    assert all(isinstance(net, Block) and net.first("layer") for net in nets)


def test_a_current_file_costs_next_to_nothing() -> None:
    """A thousandth of a second per thousand layers would do."""
    layer = 'layer { name: "c" type: "Convolution" bottom: "a" top: "b" param { } param { } }\n'
    document, _ = parse(SourceFile("text", layer * 1000))
    start = time.perf_counter()
    assert upgrade(document)[0] is document
    assert time.perf_counter() - start < 0.25


def test_depth_and_length() -> None:
    """Nothing is recursive, and time grows with the length only."""
    deep = "layers { type: RELU a " + "{ a " * 100_000 + "{ }" + "}" * 100_001
    document, _ = parse(SourceFile("text", deep))
    assert [fault.rule for fault in upgrade(document)[1]] == ["unknown-field"]
    document, _ = parse(SourceFile("text", "layers { type: RLEU blob_lr: 1 }\n" * 20_000))
    start = time.perf_counter()
    upgrade(document)
    assert time.perf_counter() - start < 20
