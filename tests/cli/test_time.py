"""`netdef time` as a user runs it."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from netdef.cli import main

NET = """
name: "tiny"
layer { name: "in" type: "Input" top: "data" top: "label" input_param {
  shape { dim: 2 dim: 3 dim: 8 dim: 8 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
        inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }
"""
MACS = {"conv": 2 * 4 * 6 * 6 * 27, "ip": 2 * 5 * 4 * 6 * 6}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a net."""
    (tmp_path / "net.prototxt").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*options: str, code: int = 0) -> str:
    """Run `netdef time net.prototxt` for two passes and return what it prints."""
    command = ["time", "net.prototxt", "--iterations", "2", "--device", "cpu", *options]
    result = CliRunner().invoke(main, command)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_json(folder: Path) -> None:
    """Every layer that computes, forward, and backward where the gradient goes."""
    found = json.loads(run("--json", "--phase", "TRAIN"))
    rows = {name: row for row in found["layers"] for name in row["names"]}
    assert list(rows) == ["conv", "bn", "scale", "relu", "ip", "loss", "accuracy"]
    assert all(row["forward_ms"] > 0 for row in rows.values())
    assert [name for name, row in rows.items() if row["backward_ms"] is None] == ["accuracy"]
    assert {name: row["macs"] for name, row in rows.items() if row["macs"]} == MACS
    rate = 2 * MACS["conv"] / rows["conv"]["forward_ms"] / 1e6
    assert rows["conv"]["gflops"] == pytest.approx(rate)
    shares = [row["share"] for row in found["layers"]]
    assert sum(shares) == pytest.approx(1)
    total = sum(row["forward_ms"] for row in found["layers"])
    assert found["layers_ms"]["forward"] == pytest.approx(total)
    assert found["whole_ms"]["forward"] > 0 and found["whole_ms"]["backward"] > 0
    assert (found["net"], found["phase"], found["batch"]) == ("tiny", "TRAIN", 2)
    assert (found["device"], found["precision"], found["iterations"]) == ("cpu", "fp32", 2)


def test_as_text(folder: Path) -> None:
    """A table, and the whole pass beside the sum."""
    lines = run().splitlines()
    assert lines[0].startswith("tiny, phase TEST, batch of 2; ")
    titles = "Layer", "Type", "Forward ms", "Backward ms", "Share", "MACs", "GFLOP/s"
    assert all(title in lines[2] for title in titles)
    assert any(line.startswith("conv ") for line in lines)
    assert any(line.startswith("Sum of the layers") for line in lines)
    assert any(line.startswith("Whole pass, measured apart: forward ") for line in lines)


def test_for_inference(folder: Path) -> None:
    """The optimized copy: folded, without a loss, and only forward."""
    (folder / "net.prototxt").write_text(NET[: NET.index('layer { name: "loss"')])
    found = json.loads(run("--json", "--optimized"))
    assert [row["names"] for row in found["layers"]] == [["conv"], ["relu"], ["ip"]]
    assert {row["backward_ms"] for row in found["layers"]} == {None}
    assert found["whole_ms"]["backward"] is None
    assert "Backward" not in run("--optimized")


def test_engines(folder: Path) -> None:
    """Folded as with --optimized; onnxruntime as a whole, on the CPU."""
    (folder / "net.prototxt").write_text(NET[: NET.index('layer { name: "loss"')])
    found = json.loads(run("--json", "--engine", "optimized"))
    assert found["engine"] == "optimized"
    assert [row["names"] for row in found["layers"]] == [["conv"], ["relu"], ["ip"]]
    whole = json.loads(run("--json", "--engine", "onnxruntime"))
    assert whole["engine"] == "onnxruntime" and whole["layers"] == []
    assert whole["whole_ms"]["forward"] > 0 and whole["whole_ms"]["backward"] is None
    lines = run("--engine", "onnxruntime").splitlines()
    assert "engine onnxruntime" in lines[0]
    assert lines[2].startswith("Whole pass, measured alone: forward ")
    for options, said in (
        (["--engine", "onnxruntime", "--optimized"], "an engine of its own"),
        (["--engine", "onnxruntime", "--compile"], "torch's engines"),
        (["--engine", "onnxruntime", "-o", "times.svg"], "does not tell apart"),
    ):
        assert said in run(*options, code=2)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precisions(folder: Path, precision: str) -> None:
    """It computes in what is asked for."""
    assert json.loads(run("--json", "--precision", precision))["precision"] == precision


def test_files(folder: Path) -> None:
    """JSON as printed; a chart whose bars are called like the layers."""
    assert run("-o", "times.json").endswith("times: times.json\n")
    assert json.loads((folder / "times.json").read_text())["net"] == "tiny"
    run("-o", "times.svg")
    text = "".join(ET.parse(folder / "times.svg").getroot().itertext())
    assert all(word in text for word in ("conv", "accuracy", "forward", "backward", "tiny"))
    assert "does not end in .json or .svg" in run("-o", "times.txt", code=2)


def test_other_shapes_and_weights(folder: Path) -> None:
    """--shape and --weights do what they do elsewhere."""
    shapes = ["--shape", "data=3,3,8,8", "--shape", "label=3"]
    assert json.loads(run("--json", *shapes))["batch"] == 3
    assert "error[missing-file]" in run("--weights", "nowhere.caffemodel", code=1)
