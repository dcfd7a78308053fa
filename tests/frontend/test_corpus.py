"""Published files parse without a fault of syntax."""

from pathlib import Path

import pytest

from netdef.frontend.parse import parse
from netdef.source import SourceFile

CORPUS = Path(__file__).parents[3] / "shared" / "conformance" / "corpus"
FILES = sorted(CORPUS.rglob("*.prototxt"))


@pytest.mark.skipif(not FILES, reason="the published files are not ours to carry along")
def test_every_file_parses() -> None:
    """All of them, in one test: they are many and quick."""
    faults = {str(path): parse(SourceFile.read(path))[1] for path in FILES}
    assert {path: found for path, found in faults.items() if found} == {}
    assert len(FILES) == 205
