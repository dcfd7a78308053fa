"""`netdef import` as a user runs it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import netdef
from netdef.cli import main

MODELS = Path(__file__).parents[2] / "models"


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    result = CliRunner().invoke(main, ["import", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an ONNX file."""
    monkeypatch.chdir(tmp_path)
    netdef.export_onnx(netdef.load(MODELS / "mlp" / "deploy.prototxt"), "mlp.onnx")
    return tmp_path


def test_written(folder: Path) -> None:
    """The net and its weights, of the size that is asked for, and how near they come."""
    result = run("mlp.onnx", "-o", "out", "--batch", "3")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].startswith("net: out/mlp.prototxt (")
    assert lines[1:4] == [
        "weights: out/mlp.caffemodel",
        "  input data: 3 x 1 x 28 x 28",
        "  output prob: 3 x 10",
    ]
    assert lines[4].startswith("largest difference from onnxruntime: ")
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "mlp.caffemodel",
        "mlp.prototxt",
    ]
    assert not [d for d in netdef.check("out/mlp.prototxt") if d.is_error]


@pytest.mark.parametrize(("kind", "name"), [("h5", "mlp.caffemodel.h5"), ("safetensors", None)])
def test_weight_formats(kind: str, name: str | None, folder: Path) -> None:
    """By name."""
    assert run("mlp.onnx", "-o", "out", "--weights-format", kind).exit_code == 0
    assert (folder / "out" / (name or f"mlp.{kind}")).exists()


def test_faults(folder: Path) -> None:
    """They are told, and nothing is written."""
    before = sorted(folder.iterdir())
    result = run("absent.onnx")
    assert (result.exit_code, result.stderr) == (
        1,
        "error[missing-file]: cannot read absent.onnx: No such file or directory\n",
    )
    result = run("mlp.onnx", "--shape", "image=1,1,28,28")
    assert result.exit_code == 1
    assert "the ONNX file has no input `image`" in result.stderr
    assert "help: its inputs: data" in result.stderr
    (folder / "file").touch()
    result = run("mlp.onnx", "-o", "file")
    assert "error[cannot-write]" in result.stderr
    assert sorted(folder.iterdir()) == [folder / "file", *before]
