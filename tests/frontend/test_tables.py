"""The committed tables are those of the grammar."""

import subprocess
import sys
from pathlib import Path

import pytest

from netdef.frontend import parse, prototxt_tables

ROOT = Path(__file__).parents[2]


def test_tables_are_up_to_date() -> None:
    """`python tools/grammar/generate.py` would change nothing."""
    command = [sys.executable, str(ROOT / "tools" / "grammar" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_another_version_of_lark_reads_the_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of another version are left alone."""
    parse._lark.cache_clear()
    monkeypatch.setattr(prototxt_tables, "LARK", "0.0.0")
    monkeypatch.setattr(prototxt_tables, "DATA", None)
    try:
        assert parse._lark().options.parser == "lalr"
    finally:
        parse._lark.cache_clear()
