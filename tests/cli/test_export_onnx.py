"""`netdef export` to ONNX as a user runs it."""

import json
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner, Result

from netdef.cli import main

NET = """
name: "small"
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "prob" type: "Softmax" bottom: "pool" top: "prob" }
"""
TRAIN = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { scale: 0.0078125 mean_value: 127.5 }
  data_param { source: "lmdb" batch_size: 2 } }
"""


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    result = CliRunner().invoke(main, ["export", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def metadata(path: str = "net.onnx") -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(NET)
    Path("train.prototxt").write_text(TRAIN)


def test_plain() -> None:
    result = run("net.prototxt")
    assert result.exit_code == 0
    assert "onnx: net.onnx (opset 17)\n  input data: N x 3 x 8 x 8\n" in result.stdout
    assert "largest difference from onnxruntime: " in result.stdout
    assert metadata()["netdef_version"]


def test_open_size_and_half_precision() -> None:
    """The tolerance is said."""
    result = run("net.prototxt", "--dynamic-size", "--fp16", "--opset", "21")
    assert result.exit_code == 0
    assert "input data: N x 3 x H x W" in result.stdout
    assert "of the largest value (half precision: 1% allowed)" in result.stdout


def test_no_verify() -> None:
    """That nothing was compared is said."""
    result = run("net.prototxt", "--no-verify")
    assert result.exit_code == 0
    assert result.stdout.endswith("not compared with onnxruntime\n")
    assert "warning[not-compared]" in result.stderr


def test_preprocessing_of_the_train_net() -> None:
    """Mean and scale are its data layer's; options go before it."""
    result = run(
        "net.prototxt", "--preprocess", "--train-net", "train.prototxt", "--rgb", "--uint8"
    )
    assert result.exit_code == 0
    said = metadata()
    assert (json.loads(said["mean"]), said["scale"]) == ([127.5], "0.0078125")
    result = run("net.prototxt", "--train-net", "train.prototxt", "--mean", "104,117,123")
    assert result.exit_code == 0
    said = metadata()
    assert (json.loads(said["mean"]), said["scale"]) == ([104, 117, 123], "0.0078125")
    assert onnx.load("net.onnx").graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--preprocess"], "no data layer of net.prototxt says how images are prepared"),
        (["--mean", "nothing.binaryproto"], "nothing.binaryproto"),
        (["--scale", "nan"], "the scale nan makes nothing of an image"),
        (["--mean", "1,2"], "2 mean values for the 3 channels of `data`"),
        (["--labels", "nothing.txt"], "nothing.txt"),
        (["--train-net", "nothing.prototxt"], "nothing.prototxt"),
    ],
)
def test_faults(options: list[str], text: str) -> None:
    """A message and exit code 1; nothing is written."""
    result = run("net.prototxt", *options)
    assert result.exit_code == 1
    assert text in result.stderr
    assert not Path("net.onnx").exists()


def test_labels() -> None:
    """Noted in the file; a number that fits no output is worth a warning."""
    Path("labels.txt").write_text("cat\ndog\ncow\nhäst\n")
    assert "label-count" not in run("net.prototxt", "--labels", "labels.txt").stderr
    assert json.loads(metadata()["labels"]) == ["cat", "dog", "cow", "häst"]
    Path("labels.txt").write_text("cat\ndog\n")
    result = run("net.prototxt", "--labels", "labels.txt")
    assert "warning[label-count]: there are 2 labels" in result.stderr
