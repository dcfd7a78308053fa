"""What MultiBoxLoss refuses, and what it says has no effect."""

import pytest

import netdef
from netdef.contract import Example
from netdef.source import NetdefError

SHAPES = (2, 32), (2, 32), (1, 2, 32), (1, 1, 3, 8)


def loaded(fields, classes="num_classes: 4", shapes=SHAPES):
    text = f"multibox_loss_param {{ {classes} {fields} }}"
    return netdef.loads(Example(text, shapes, [()]).prototxt("MultiBoxLoss"))


def faults(*arguments, **others):
    with pytest.raises(NetdefError) as caught:
        loaded(*arguments, **others)
    return [(d.rule, d.message) for d in caught.value.diagnostics]


def test_faults_of_the_classes():
    text = "MultiBoxLoss needs `num_classes`, the number of classes, background included"
    assert faults("", "")[0] == ("missing-field", text)
    assert faults("", "num_classes: 0")[0] == (
        "bad-value",
        "`num_classes` must be at least 1, not 0",
    )
    assert faults("background_label_id: 4") == [
        ("bad-value", "the background is class 4, but there are 4 classes")
    ]
    assert faults("background_label_id: 1 conf_loss_type: LOGISTIC") == [
        ("bad-value", "with LOGISTIC the background must be class 0, not 1")
    ]
    assert faults("background_label_id: 3 map_object_to_agnostic: true") == [
        ("bad-value", "all objects would be of class 4, which does not exist")
    ]


def test_faults_of_the_mining():
    assert faults("do_neg_mining: true mining_type: NONE") == [
        ("bad-value", "`do_neg_mining` and `mining_type` contradict each other")
    ]
    assert faults("share_location: false sample_size: 0 mining_type: HARD_EXAMPLE") == [
        ("bad-value", "negatives can only be chosen where all classes share the offsets"),
        ("bad-value", "`sample_size` must be at least 1, not 0"),
    ]
    assert faults("nms_param { nms_threshold: 0.4 }") == [
        ("bad-value", "without `top_k`, or with 0, no box is a candidate")
    ]
    assert faults("overlap_threshold: 1.5 neg_overlap: -1 loc_weight: -1 neg_pos_ratio: nan") == [
        ("bad-value", "`overlap_threshold` is an IoU, from 0 to 1, not 1.5"),
        ("bad-value", "`neg_overlap` is an IoU, from 0 to 1, not -1"),
        ("bad-value", "`loc_weight` must be at least 0, not -1"),
        ("bad-value", "`neg_pos_ratio` must be at least 0, not nan"),
    ]


def test_faults_of_the_shapes():
    priors, objects = (1, 2, 32), (1, 1, 3, 8)
    assert faults("", shapes=((2, 31), (3, 32), priors, objects)) == [
        ("shape-mismatch", "8 prior boxes need (N, 32) offsets, not (2, 31)"),
        ("shape-mismatch", "there are scores of 3 images, but offsets of 2"),
    ]
    assert faults("", shapes=((2, 32), (2, 24), priors, objects)) == [
        ("shape-mismatch", "8 prior boxes and 4 classes need (N, 32) scores, not (2, 24)")
    ]
    assert faults("", shapes=((2, 32), (2, 32), (1, 32), objects)) == [
        ("shape-mismatch", "prior boxes have the shape (1, 2, 4 P), not (1, 32)")
    ]
    assert faults("", shapes=((2, 32), (2, 32), priors, (3, 8))) == [
        ("shape-mismatch", "objects have the shape (1, 1, T, 8), not (3, 8)")
    ]


@pytest.mark.parametrize(
    ("fields", "unused"),
    [
        ("mining_type: NONE neg_pos_ratio: 2 sample_size: 8", ["neg_pos_ratio", "sample_size"]),
        ("mining_type: HARD_EXAMPLE neg_overlap: 0.3 sample_size: 8", ["neg_overlap"]),
        ("match_type: BIPARTITE overlap_threshold: 0.3", ["overlap_threshold"]),
        ("use_prior_for_nms: true", ["use_prior_for_nms"]),
        ("nms_param { top_k: 5 eta: 0.9 }", ["eta"]),
        ("mining_type: NONE nms_param { top_k: 5 }", ["nms_param"]),
    ],
)
def test_what_has_no_effect_is_said(fields, unused):
    net = loaded(fields)
    assert [(d.rule, d.message) for d in net.diagnostics] == [
        ("ignored-field", f"`{name}` has no effect in this MultiBoxLoss") for name in unused
    ]
