"""`netdef export` to PyTorch."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from netdef.cli import main

LENET = "models/lenet/deploy.prototxt"


def test_source(tmp_path: Path) -> None:
    """The source and its weights; a missing weight file is said to be missing."""
    path = tmp_path / "lenet.py"
    done = CliRunner().invoke(main, ["export", LENET, "-o", str(path)])
    assert done.exit_code == 0, done.output
    assert f"source: {path}\nweights: {path.with_suffix('.safetensors')}\n" in done.stdout
    assert "no weights were given" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lenet.py", "lenet.safetensors"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "net.py", "--opset", "18"], "--opset is for ONNX files"),
        (["-o", "net.pt2", "--fp16"], "--fp16 is for ONNX files"),
        (["--aot"], "--aot needs -o with a folder"),
        (["-o", "net.pt2", "--aot"], "--aot needs -o with a folder"),
        (["-o", "net.pth"], "does not end in .onnx, .py or .pt2"),
    ],
)
def test_wrong_usage(options: list[str], message: str) -> None:
    """Options that do not go together."""
    done = CliRunner().invoke(main, ["export", LENET, *options])
    assert done.exit_code == 2 and message in done.output
