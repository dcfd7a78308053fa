"""What people see when something is wrong: each .txt file in `golden/` is a command and its output.

Those of `netdef check` are in `golden/check`, each beside the file that it checks. Run with
UPDATE_GOLDEN=1 to write the outputs anew, then read them aloud.
"""

import os
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import netdef
from netdef.cli import main

GOLDEN = Path(__file__).parent / "golden"
CHECKS = sorted((GOLDEN / "check").glob("*.txt"))
OTHERS = sorted(GOLDEN.glob("*.txt"))

OTHER = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 5 } } }
layer { name: "fc6" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 2 } }
"""
SHAPES = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 12 } } }
layer { name: "hidden" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 8 } }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the prototxt files, with weight files of other nets beside them."""
    for path in GOLDEN.glob("*.prototxt"):
        shutil.copy(path, tmp_path)
    netdef.compile(netdef.loads(OTHER), device="cpu").save_weights(tmp_path / "other.caffemodel")
    netdef.compile(netdef.loads(SHAPES), device="cpu").save_weights(tmp_path / "shapes.caffemodel")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", CHECKS, ids=lambda p: p.stem)
def test_check(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`netdef check` prints what is recorded and ends as recorded."""
    monkeypatch.chdir(path.parent)
    assert path.read_text().startswith("$ netdef check ")
    holds(path, path.parent)


@pytest.mark.parametrize("path", OTHERS, ids=lambda p: p.stem)
def test_output(path: Path, folder: Path) -> None:
    """The command prints what is recorded, ends as recorded, and leaves nothing behind."""
    before = sorted(folder.rglob("*"))
    holds(path, folder)
    assert sorted(folder.rglob("*")) == before


def test_every_checked_file_has_its_output() -> None:
    """No case is left behind without the other half."""
    outputs = {path.stem for path in CHECKS}
    files = {path.stem for path in (GOLDEN / "check").glob("*.prototxt")}
    assert files <= outputs
    assert len(outputs) >= 60


def holds(path: Path, folder: Path) -> None:
    """Run the command in the first line of `path`; compare with the rest, or record it."""
    command = path.read_text().partition("\n")[0]
    assert command.startswith("$ netdef ")
    result = CliRunner().invoke(main, shlex.split(command.removeprefix("$ netdef ")))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    output = result.output.replace(str(folder), "FOLDER")
    actual = f"{command}\n{output}exit code {result.exit_code}\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(actual)
    assert actual == path.read_text()
