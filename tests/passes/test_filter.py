"""Include and exclude rules, as the reference holds them against the state."""

import pytest

import netdef

NET = """
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 4 }} }} }}
layer {{ name: "r" type: "ReLU" bottom: "data" top: "r" {rules} }}
"""


@pytest.mark.parametrize(
    ("rules", "state", "kept"),
    [
        ("", {}, True),
        ("include { }", {}, True),
        ("exclude { }", {}, False),
        ("include { phase: TRAIN }", {"phase": "TRAIN"}, True),
        ("include { phase: TRAIN }", {"phase": "TEST"}, False),
        ("exclude { phase: TRAIN }", {"phase": "TEST"}, True),
        ("include { min_level: 2 }", {"level": 1}, False),
        ("include { min_level: 2 }", {"level": 2}, True),
        ("include { max_level: 2 }", {"level": 3}, False),
        ("include { min_level: 1 max_level: 2 }", {"level": 2}, True),
        ("include { max_level: -1 }", {}, False),
        ("include { stage: 'a' stage: 'b' }", {"stages": ["a"]}, False),
        ("include { stage: 'a' stage: 'b' }", {"stages": ["b", "a"]}, True),
        ("include { not_stage: 'a' not_stage: 'b' }", {"stages": ["b"]}, False),
        ("include { not_stage: 'a' }", {"stages": ["b"]}, True),
        ("include { stage: 'a' } include { phase: TEST }", {}, True),
        (
            "exclude { stage: 'a' } exclude { level: 9 }".replace("level: 9", "min_level: 9"),
            {},
            True,
        ),
        ("exclude { stage: 'a' } exclude { phase: TEST }", {}, False),
    ],
)
def test_rules(rules: str, state: dict[str, object], kept: bool) -> None:
    """A layer is kept if any include rule is met, dropped if any exclude rule is."""
    net = netdef.loads(NET.format(rules=rules), **state)
    assert ("r" in [layer.name for layer in net.layers]) is kept
    assert ("r" in [layer.name for layer in net.dropped]) is not kept


def test_own_state() -> None:
    """The net's own state gives level and stages; the phase is the caller's."""
    text = "state { level: 2 stage: 'a' }" + NET.format(rules="include { min_level: 2 stage: 'a' }")
    assert [layer.name for layer in netdef.loads(text).layers] == ["data", "r"]
