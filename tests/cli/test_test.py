"""`netdef test` as a user runs it."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import netdef
from netdef.cli import main

NET = """
name: "tiny"
layer {
  name: "data" type: "HDF5Data" top: "data" top: "label"
  hdf5_data_param { source: "data.txt" batch_size: 4 }
}
layer {
  name: "out" type: "InnerProduct" bottom: "data" top: "out"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer {
  name: "loss" type: "SoftmaxWithLoss" bottom: "out" bottom: "label" top: "loss" loss_weight: 2
}
layer {
  name: "prob" type: "Softmax" bottom: "out" top: "prob"
  include { stage: "prob" }
}
layer {
  name: "accuracy" type: "Accuracy" bottom: "out" bottom: "label" top: "accuracy"
  include { phase: TEST }
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with data, a net, and weights."""
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["data"] = rng.standard_normal((12, 5)).astype("f4")
        file["label"] = rng.integers(0, 3, 12).astype("f4")
    (tmp_path / "data.txt").write_text("data.h5\n")
    (tmp_path / "net.prototxt").write_text(NET)
    monkeypatch.chdir(tmp_path)
    netdef.compile(netdef.load("net.prototxt"), device="cpu").save_weights("net.caffemodel")
    return tmp_path


def run(*options: str, code: int = 0) -> str:
    """Run `netdef test net.prototxt` in this process and return what it prints."""
    result = CliRunner().invoke(main, ["test", "net.prototxt", *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def means(count: int) -> dict[str, float]:
    """The outputs of the net, worked out batch by batch."""
    net = netdef.load("net.prototxt")
    exe = netdef.compile(net, "net.caffemodel", device="cpu")
    data = netdef.batches(net)
    outputs = [exe(next(data)) for _ in range(count)]
    return {name: float(np.mean([o[name].item() for o in outputs])) for name in outputs[0]}


def test_the_mean_of_every_output(folder: Path) -> None:
    """With the loss weights, and the objective; batches begin anew after the last record."""
    found = json.loads(run("--weights", "net.caffemodel", "--iterations", "5", "--json"))
    wanted = means(5)
    assert {name: values[0] for name, values in found["scores"].items()} == pytest.approx(wanted)
    assert found["loss_weights"] == {"loss": 2.0}
    assert found["objective"] == pytest.approx(2 * wanted["loss"])
    assert found["iterations"] == 5
    assert found["weights"][0]["copied"] == ["out"]


def test_engines(folder: Path) -> None:
    """The same means from a folded copy."""
    options = ["--weights", "net.caffemodel", "--iterations", "3", "--json"]
    found = json.loads(run(*options, "--engine", "optimized"))["scores"]
    assert {name: values[0] for name, values in found.items()} == pytest.approx(means(3))
    assert "onnxruntime" in run(*options, "--engine", "onnxruntime", code=2)


def test_as_text(folder: Path) -> None:
    """A line per output, the loss with its part in the objective."""
    lines = run("--weights", "net.caffemodel", "--iterations", "3").splitlines()
    wanted = means(3)
    loss = wanted["loss"]
    assert lines == [
        "weights: net.caffemodel: 1 layer copied",
        "means over 3 batches:",
        f"  accuracy = {wanted['accuracy']:.6g}",
        f"  loss = {loss:.6g} (* 2 = {2 * loss:.6g})",
        f"  objective: {2 * loss:.6g}",
    ]


def test_fifty_batches_as_caffe(folder: Path) -> None:
    """Without --iterations."""
    assert "means over 50 batches:" in run("--weights", "net.caffemodel")


def test_states(folder: Path) -> None:
    """Stages and phases select layers; each element of an output has its own mean."""
    options = ["--weights", "net.caffemodel", "--iterations", "3", "--json"]
    scores = json.loads(run(*options, "--stage", "prob"))["scores"]
    assert len(scores["prob"]) == 4 * 3
    assert sum(scores["prob"]) == pytest.approx(4)
    assert "accuracy" not in json.loads(run(*options, "--phase", "train"))["scores"]


def test_faults(folder: Path) -> None:
    """Weights must be given and fit, and the data be there."""
    assert "--weights" in run(code=2)
    assert "error[missing-file]" in run("--weights", "nowhere.caffemodel", code=1)
    (folder / "net.prototxt").write_text(NET.replace("num_output: 3", "num_output: 4"))
    assert "but (4, 5) in the net" in run("--weights", "net.caffemodel", code=1)
    (folder / "net.prototxt").write_text(NET)
    (folder / "data.txt").unlink()
    shapes = ["--shape", "data=4,5", "--shape", "label=4"]
    assert "error[missing-source]" in run("--weights", "net.caffemodel", *shapes, code=1)
