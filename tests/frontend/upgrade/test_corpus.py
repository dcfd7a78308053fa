"""Published files of the old formats check cleanly, and upgraded they are the same nets."""

import re
from pathlib import Path

import pytest

import netdef
from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.format import format_document
from netdef.frontend.parse import parse
from netdef.frontend.upgrade import upgrade, upgrades_of
from netdef.schema import pb
from netdef.source import SourceFile

CORPUS = Path(__file__).parents[4] / "shared" / "conformance" / "corpus"
BROKEN = "fcn-16s.prototxt"  # mixes the formats; only a viewer ever read it
OLD = [
    path
    for path in sorted(CORPUS.rglob("*.prototxt"))
    if re.search(r"^\s*layers\b", path.read_text(errors="replace"), re.MULTILINE)
    and path.name != BROKEN
]
needs_corpus = pytest.mark.skipif(not OLD, reason="the published files are not ours to carry along")


@needs_corpus
def test_old_nets_have_no_errors() -> None:
    """Only what needs data or layer types that are not here may be said of them."""
    known = {"missing-source", "missing-file", "unknown-layer-type"}
    found = {str(path): netdef.check(path, hints=False) for path in OLD}
    bad = {
        path: [d for d in faults if d.is_error or d.rule not in known]
        for path, faults in found.items()
    }
    assert {path: faults for path, faults in bad.items() if faults} == {}
    assert len(OLD) == 20


@needs_corpus
def test_the_upgraded_text_is_the_same_net() -> None:
    """Writing an upgraded file and reading it again loses nothing, and nothing is left to do."""
    for path in OLD:
        original, _ = parse(SourceFile.read(path))
        document, _ = upgrade(original)
        again, faults = parse(SourceFile("again", format_document(document, original)))
        assert faults == []
        assert upgrades_of(upgrade(again)[0]) == ()
        messages = [pb.NetParameter(), pb.NetParameter()]
        bind(document, messages[0], catalog)
        bind(again, messages[1], catalog)
        assert messages[0] == messages[1]
