"""`netdef surgery` as a user runs it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import netdef
from netdef.cli import main

DEPLOY = str(Path(__file__).parents[2] / "models" / "lenet" / "deploy.prototxt")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with weights for LeNet."""
    exe = netdef.compile(netdef.load(DEPLOY), device="cpu")
    with torch.no_grad():
        for tensors in exe.params.values():
            for tensor in tensors:
                tensor.normal_(std=0.05, generator=torch.Generator().manual_seed(tensor.numel()))
    exe.save_weights(tmp_path / "w.caffemodel")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    """Run the command in this process and return what it prints."""
    result = CliRunner().invoke(main, ["surgery", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_fully_convolutional(folder: Path) -> None:
    """Net and weights of the same name; a map for larger images."""
    text = run(DEPLOY, "--weights", "w.caffemodel", "--fully-convolutional", "--rename", "ip1=fc",
               "-o", "out")  # fmt: skip
    assert text.splitlines() == [
        "net: out/deploy.prototxt",
        "weights: out/deploy.caffemodel",
        "  output prob: 64 x 10 x 1 x 1",
    ]
    before = netdef.compile(netdef.load(DEPLOY), "w.caffemodel", device="cpu")
    after = netdef.compile(
        netdef.load("out/deploy.prototxt"), "out/deploy.caffemodel", device="cpu"
    )
    x = np.random.default_rng(0).random((2, 1, 28, 28))
    torch.testing.assert_close(after({"data": x})["prob"].flatten(1), before({"data": x})["prob"])
    assert after({"data": np.zeros((1, 1, 40, 36))})["prob"].shape == (1, 10, 4, 3)


def test_cut_and_replace(folder: Path) -> None:
    """Without weights there is only a net; the rest of the text is as it was."""
    new = 'layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"'
    new += " pooling_param { pool: AVE kernel_size: 2 stride: 2 } }"
    (folder / "new.prototxt").write_text(new)
    run(DEPLOY, "--cut", "conv2", "--replace", "pool1=new.prototxt", "-o", "out")
    assert [path.name for path in (folder / "out").iterdir()] == ["deploy.prototxt"]
    text = (folder / "out" / "deploy.prototxt").read_text()
    assert "pool: AVE" in text and "ip1" not in text
    assert text.startswith("# LeNet for 28 x 28 grey digits")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "say what to do"),
        (["--cut", "conv9"], 1, "no blob `conv9`"),
        (["--rename", "conv1"], 2, "not of the form conv1=first"),
        (["--rename", "conv1=conv2"], 1, "something of this net is called so already"),
        (["--replace", "conv1=no.prototxt"], 1, "error[missing-file]"),
        (["--cut", "pool1", "--fully-convolutional"], 1, "no InnerProduct"),
        (["--cut", "pool1", "--weights", "no.caffemodel"], 1, "error[missing-file]"),
    ],
)
def test_faults(folder: Path, arguments: list[str], code: int, message: str) -> None:
    """Each says what is wrong, and nothing is written."""
    assert message in run(DEPLOY, *arguments, "-o", "out", code=code)
    assert not (folder / "out").exists()


def test_the_net_itself_stays(folder: Path) -> None:
    """It is not written over, though the folder is its own."""
    (folder / "net.prototxt").write_text(Path(DEPLOY).read_text())
    assert "choose another folder" in run("net.prototxt", "--cut", "pool1", "-o", ".", code=1)
