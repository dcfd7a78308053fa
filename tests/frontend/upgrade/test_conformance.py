"""Upgrades give what the reference implementation gives."""

from pathlib import Path

import pytest
from google.protobuf import text_format

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.parse import parse
from netdef.frontend.upgrade import upgrade
from netdef.schema import pb
from netdef.source import SourceFile

FOLDER = Path(__file__).parent / "conformance"
NAMES = sorted(p.stem for p in FOLDER.glob("*.prototxt") if ".upgraded" not in p.name)


@pytest.mark.parametrize("name", NAMES)
def test_messages_are_equal(name: str) -> None:
    """The upgraded net is the reference's, and upgrading it again changes nothing."""
    document, faults = parse(SourceFile.read(FOLDER / f"{name}.prototxt"))
    document, warnings = upgrade(document)
    message = pb.NetParameter()
    faults += bind(document, message, catalog)
    assert faults == []
    expected = (FOLDER / f"{name}.upgraded.prototxt").read_text()
    assert message == text_format.Parse(expected, pb.NetParameter())
    assert upgrade(document)[0] is document
    if name != "v2_data_transform":
        assert warnings == []


def test_cases_are_there() -> None:
    """Every kind that the reference knows."""
    assert len(NAMES) == 7
