"""`netdef deploy` as a user runs it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import netdef
from netdef.cli import main

MODEL = str(Path(__file__).parents[2] / "models" / "lenet" / "train_val.prototxt")


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    result = CliRunner().invoke(main, ["deploy", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without data."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_printed(folder: Path) -> None:
    """Without -o the text goes to standard output, alone."""
    result = run(MODEL, "--shape", "data=1,1,28,28")
    assert result.exit_code == 0
    assert netdef.loads(result.stdout).outputs == ["prob"]
    assert not list(folder.iterdir())


def test_written(folder: Path) -> None:
    """With -o it goes to a file."""
    result = run(MODEL, "--shape", "data=1,1,28,28", "-o", "deploy.prototxt")
    assert result.output == "deploy net: deploy.prototxt\n"
    assert netdef.load("deploy.prototxt").blobs["data"].shape == (1, 1, 28, 28)


def test_faults(folder: Path) -> None:
    """A fault leaves the file that was there."""
    (folder / "deploy.prototxt").write_text("before")
    result = run(MODEL.replace("lenet", "nowhere"), "-o", "deploy.prototxt")
    assert result.exit_code == 1
    assert "error[missing-file]" in result.output
    (folder / "net.prototxt").write_text(Path(MODEL).read_text().replace("digits_test", "absent"))
    result = run("net.prototxt", "-o", "deploy.prototxt")
    assert result.exit_code == 1
    assert "give it with --shape data=359,C,H,W, with numbers for C, H and W" in result.output
    assert (folder / "deploy.prototxt").read_text() == "before"
