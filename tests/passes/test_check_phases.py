"""In which phases a file is checked when nobody says."""

from pathlib import Path

import pytest

import netdef

NET = """
layer {{ name: "data" type: "DummyData" top: "data" {data}
        dummy_data_param {{ shape {{ dim: 2 dim: 3 }} }} }}
layer {{ name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        inner_product_param {{ num_output: {outputs} }} }}
"""


def found(folder: Path, text: str, **state: object) -> list[tuple[str, tuple[str, ...]]]:
    """Return rules and phases of the errors in a text."""
    path = folder / "net.prototxt"
    path.write_text(text)
    return [(d.rule, d.phases) for d in netdef.check(path, **state) if d.is_error]


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_data_for_one_phase(tmp_path: Path, phase: str) -> None:
    """A file that has data for one phase is checked in that; a phase that is named always is."""
    text = NET.format(data=f"include {{ phase: {phase} }}", outputs=2)
    other = "TRAIN" if phase == "TEST" else "TEST"
    assert found(tmp_path, text) == []
    assert found(tmp_path, text, phases=(phase,)) == []
    assert found(tmp_path, text, phases=(other,)) == [("unknown-bottom", ())]
    assert found(tmp_path, text, phases=("TRAIN", "TEST")) == [("unknown-bottom", (other,))]


def test_faults_in_the_phase_it_is_for(tmp_path: Path) -> None:
    """They are not tagged: there is no other phase to tell them from."""
    text = NET.format(data="include { phase: TRAIN }", outputs=0)
    assert found(tmp_path, text) == [("bad-value", ())]


def test_stage(tmp_path: Path) -> None:
    """Data that asks for a stage is not missed, until the stage is named."""
    both = NET.format(data="include { phase: TRAIN }", outputs=2)
    test = NET.format(data="include { phase: TEST stage: 'a' }", outputs=2).split("layer")[1]
    extra = 'layer { name: "x" type: "ReLU" bottom: "none" top: "x" include { stage: "a" } }'
    text = f"layer{test}{both}{extra}"
    assert found(tmp_path, text) == []
    assert found(tmp_path, text, stages=("a",)) == [("unknown-bottom", ())]
    assert found(tmp_path, text, phases=("TEST",)) == [("unknown-bottom", ())]


def test_both_phases(tmp_path: Path) -> None:
    """Each fault is tagged with its phase, unless both have it."""
    text = NET.format(data="", outputs=2)
    text += 'layer { name: "x" type: "ReLU" bottom: "a" top: "x" include { phase: TEST } }'
    text += 'layer { name: "y" type: "ReLU" bottom: "b" top: "y" }'
    assert found(tmp_path, text) == [("unknown-bottom", ("TEST",)), ("unknown-bottom", ())]


def test_no_data_at_all(tmp_path: Path) -> None:
    """Without data in any phase, both are checked."""
    text = 'layer { name: "x" type: "ReLU" bottom: "a" top: "x" include { phase: TEST } }'
    assert found(tmp_path, text) == [("unknown-bottom", ("TEST",))]


def test_data_of_an_unknown_type(tmp_path: Path) -> None:
    """What reads nothing makes data, whatever it is."""
    text = NET.format(data="include { phase: TRAIN }", outputs=2)
    assert found(tmp_path, text.replace("DummyData", "BoxesFromAfar")) == []
