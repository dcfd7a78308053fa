"""The generated messages against Caffe's schema, the forks' fields and the schema's own text."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from netdef.schema import netdef_pb2

SCHEMA = json.loads(Path(__file__).with_name("caffe_schema.json").read_text())
PROTO = Path(__file__).parents[2] / "proto" / "netdef.proto"

# Our numbers; whatever is added to a message or enum of Caffe's starts here ...
OURS = 1000
# ... except fields of forks whose own number no other form of the message uses.
FREE_IN_FORKS = {"DropoutParameter.sample_weights_test"}

# Per message of a fork, or with fields of forks: `name:number=default`, as the fork has it;
# numbers from 1000 up are ours, where two forms clash.
FORK_FIELDS = {
    "PermuteParameter": "order:1",
    "NormalizeParameter": "across_spatial:1=true scale_filler:2 channel_shared:3=true eps:4=1e-10",
    "PriorBoxParameter": """
        min_size:1 max_size:2 aspect_ratio:3 flip:4=true clip:5=false variance:6 img_size:7 img_h:8
        img_w:9 step:10 step_h:11 step_w:12 offset:13=0.5""",
    "NonMaximumSuppressionParameter": "nms_threshold:1=0.3 top_k:2 eta:3=1",
    "DetectionOutputParameter": """
        num_classes:1 share_location:2=true background_label_id:3=0 nms_param:4
        save_output_param:5 code_type:6=CORNER keep_top_k:7=-1 variance_encoded_in_target:8=false
        confidence_threshold:9 visualize:10=false visualize_threshold:11 save_file:12""",
    "MultiBoxLossParameter": """
        loc_loss_type:1=SMOOTH_L1 conf_loss_type:2=SOFTMAX loc_weight:3=1 num_classes:4
        share_location:5=true match_type:6=PER_PREDICTION overlap_threshold:7=0.5
        use_prior_for_matching:8=true background_label_id:9=0 use_difficult_gt:10=true
        do_neg_mining:11 neg_pos_ratio:12=3 neg_overlap:13=0.5 code_type:14=CORNER
        encode_variance_in_target:16=false map_object_to_agnostic:17=false
        ignore_cross_boundary_bbox:18=false bp_inside:19=false mining_type:20=MAX_NEGATIVE
        nms_param:21 sample_size:22=64 use_prior_for_nms:23=false""",
    "AnnotatedDataParameter": "batch_sampler:1 label_map_file:2 anno_type:3",
    "ROIPoolingParameter": "pooled_h:1=0 pooled_w:2=0 spatial_scale:3=1",
    "PSROIPoolingParameter": "spatial_scale:1 output_dim:2 group_size:3",
    "SmoothL1LossParameter": "sigma:1=1",
    "ProposalParameter": """
        feat_stride:1=16 base_size:2=16 min_size:3=16 ratio:4 scale:5 pre_nms_topn:6=6000
        post_nms_topn:7=300 nms_thresh:8=0.7""",
    "BNParameter": """
        scale_filler:1 shift_filler:2 bn_mode:3=LEARN eps:4=1e-05 frozen:5=false engine:6=DEFAULT
        slope_filler:1000 bias_filler:1001 momentum:1002=0.9""",
    "UpsampleParameter": """
        scale:1=2 scale_h:2 scale_w:3 pad_out_h:4=false pad_out_w:5=false upsample_h:6
        upsample_w:7""",
    "InterpParameter": """
        height:1=0 width:2=0 zoom_factor:3=1 shrink_factor:4=1 pad_beg:5=0 pad_end:6=0""",
    "ShuffleChannelParameter": "group:1=1",
    "Convolution3DParameter": """
        num_output:1 bias_term:2=true pad:3=0 kernel_size:4 group:5=1 kernel_depth:6 stride:7=1
        temporal_stride:8=1 weight_filler:9 bias_filler:10 filter_group:11=1 temporal_pad:12=0""",
    "Pooling3DParameter": """
        pool:1=MAX kernel_size:2 stride:3=1 pad:4=0 kernel_depth:5 temporal_stride:6=1""",
    "CenterLossParameter": "num_output:1 center_filler:2 axis:3=1",
    "CorrelationParameter": """
        pad:2=0 kernel_size:3 max_displacement:4 stride_1:5=1 stride_2:6=1 do_abs:7=false
        single_direction:8=0 correlation_type:15=MULTIPLY""",
    "ReorgParameter": "stride:1 reverse:2=false",
    "MatMulParameter": "transpose_a:1=false transpose_b:2=false",
    "Yolov3DetectionOutputParameter": """
        num_classes:1=20 num_box:2=3 confidence_threshold:3=0.01 nms_threshold:4=0.45 biases:5
        anchors_scale:6 mask_group_num:7=2 mask:8""",
    "FocalLossParameter": "type:1=ORIGIN gamma:2=2 alpha:3=0.25 beta:4=1",
    "PoolingParameter": "ceil_mode:1000=true",
    "DropoutParameter": "sample_weights_test:2=false",
}
FORK_LAYER_FIELDS = """
    permute_param norm_param prior_box_param detection_output_param multibox_loss_param
    annotated_data_param roi_pooling_param psroi_pooling_param smooth_l1_loss_param proposal_param
    bn_param upsample_param interp_param relu6_param shuffle_channel_param convolution3d_param
    pooling3d_param center_loss_param correlation_param resample_param flow_warp_param reorg_param
    yolo_detection_output_param yolov3_detection_output_param focal_loss_param seg_accuracy_param
    dense_image_data_param video_data_param box_annotator_ohem_param detection_evaluate_param
    layer_norm_param matmul_param
"""


def with_nested(message: DescriptorProto, scope: str = "") -> Iterator[tuple[str, DescriptorProto]]:
    """Yield a message and those inside it under their full names."""
    name = scope + message.name
    yield name, message
    for nested in message.nested_type:
        yield from with_nested(nested, name + ".")


FILE = FileDescriptorProto.FromString(netdef_pb2.DESCRIPTOR.serialized_pb)
MESSAGES = {name: m for top in FILE.message_type for name, m in with_nested(top)}
ENUMS: dict[str, EnumDescriptorProto] = {e.name: e for e in FILE.enum_type} | {
    f"{name}.{e.name}": e for name, m in MESSAGES.items() for e in m.enum_type
}


def default_of(field: FieldDescriptorProto) -> str:
    """Return a default as it was written; the descriptor has 0.00999999978 for 0.01."""
    is_float = field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE)
    return f"{float(field.default_value):.6g}" if is_float else field.default_value


def described(field: FieldDescriptorProto) -> dict[str, object]:
    """Return a field in the form that caffe_schema.json has."""
    label = field.Label.Name(field.label).removeprefix("LABEL_").lower()
    scalar = field.Type.Name(field.type).removeprefix("TYPE_").lower()
    description: dict[str, object] = {
        "name": field.name,
        "number": field.number,
        "label": label,
        "type": field.type_name.removeprefix(".netdef.") or scalar,
    }
    if field.HasField("default_value"):
        description["default"] = default_of(field)
    if field.options.packed:
        description["packed"] = True
    return description


@pytest.mark.parametrize("message", SCHEMA["messages"])
def test_message_has_caffes_fields(message: str) -> None:
    """Name, number, label, type, default and packing are those of Caffe."""
    expected = {field["name"]: field for field in SCHEMA["messages"][message]}
    ours = {field.name: described(field) for field in MESSAGES[message].field}
    assert {name: ours.get(name) for name in expected} == expected


@pytest.mark.parametrize("message", SCHEMA["messages"])
def test_message_has_no_other_field_below_ours(message: str) -> None:
    """What is added to a message of Caffe's takes numbers from 1000 up."""
    caffes = {field["name"] for field in SCHEMA["messages"][message]}
    added = {
        f"{message}.{field.name}"
        for field in MESSAGES[message].field
        if field.name not in caffes and field.number < OURS
    }
    assert added == {name for name in FREE_IN_FORKS if name.split(".")[0] == message}


@pytest.mark.parametrize("enum", SCHEMA["enums"])
def test_enum_has_caffes_values_and_none_below_ours(enum: str) -> None:
    """What is added to an enum of Caffe's takes numbers from 1000 up."""
    ours = {value.name: value.number for value in ENUMS[enum].value}
    caffes = SCHEMA["enums"][enum]
    assert {name: number for name, number in ours.items() if number < OURS} == caffes


def test_layers_leave_room_for_plugins() -> None:
    """Extensions start at 10000, above all fields."""
    layer = MESSAGES["LayerParameter"]
    assert [r.start for r in layer.extension_range] == [10000]
    assert max(field.number for field in layer.field) < 10000


def test_solver_state_has_our_fields_last() -> None:
    """The digest of all bytes before it must be the last field written."""
    fields = {field.name: field.number for field in MESSAGES["SolverState"].field}
    ours = {name: number for name, number in fields.items() if number >= OURS}
    assert max(fields, key=fields.__getitem__) == "sha256"
    assert {"random_seed": 1000, "cursor": 1001, "weights_sha256": 1003}.items() <= ours.items()


@pytest.mark.parametrize("message", FORK_FIELDS)
def test_message_has_the_forks_fields(message: str) -> None:
    """Fields of forks keep the fork's number and default."""
    expected = FORK_FIELDS[message].split()
    names = {field.partition(":")[0] for field in expected}
    ours = [
        f"{field.name}:{field.number}"
        + (f"={default_of(field)}" if field.HasField("default_value") else "")
        for field in MESSAGES[message].field
        if field.name in names
    ]
    assert sorted(ours) == sorted(expected)


def test_layers_have_the_forks_messages_under_our_numbers() -> None:
    """Forks disagree on the numbers of their messages, so ours hold."""
    ours = {field.name for field in MESSAGES["LayerParameter"].field if field.number >= OURS}
    assert set(FORK_LAYER_FIELDS.split()) == ours


def test_loss_may_be_divided_by_a_fixed_number() -> None:
    """R-FCN's number for this mode is BVLC's NONE."""
    modes = {value.name: value.number for value in ENUMS["LossParameter.NormalizationMode"].value}
    assert modes["PRE_FIXED"] == OURS


# -------------------------------------------------------------------------- the text's comments

OPENING = re.compile(r"(message|enum) (\w+) \{")
MEMBER = re.compile(r"(?:(?:optional|required|repeated) [\w.]+ )?(\w+) = \d+( \[.*\])?;")
BARE = re.compile(r"$|//|\}|syntax = |package |extensions ")


def declarations(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the full name of everything the text declares, and the two lines above it."""
    scope: list[str] = []
    lines = [line.strip() for line in text.splitlines()]
    for i, line in enumerate(lines):
        opening, member = OPENING.fullmatch(line), MEMBER.fullmatch(line)
        if opening or member:
            name = opening.group(2) if opening else member.group(1) if member else ""
            yield ".".join([*scope, name]), lines[i - 1], lines[i - 2]
            if opening:
                scope.append(name)
        elif line == "}":
            scope.pop()
        else:
            assert BARE.match(line), f"line {i + 1} is read by no rule: {line}"


def declared_names() -> Iterator[str]:
    """Yield the full name of every message, field, enum and value."""
    for name, message in MESSAGES.items():
        yield name
        yield from (f"{name}.{field.name}" for field in message.field)
    for name, enum in ENUMS.items():
        yield name
        yield from (f"{name}.{value.name}" for value in enum.value)


def test_comments_are_read_for_everything_declared() -> None:
    """The reader of the text misses nothing, or the next test would be empty."""
    read = [name for name, _, _ in declarations(PROTO.read_text())]
    assert sorted(read) == sorted(declared_names())


def test_everything_has_a_comment_of_one_line() -> None:
    """The line above is a comment, and the only one."""
    odd = [
        name
        for name, above, before in declarations(PROTO.read_text())
        if not re.fullmatch(r"// \S.*\.", above) or before.startswith("//")
    ]
    assert odd == []


def test_lines_are_short() -> None:
    """The text keeps to 100 columns."""
    assert [line for line in PROTO.read_text().splitlines() if len(line) > 100] == []
