"""`netdef verify` as a user runs it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

import netdef
from netdef.cli import main

NET = """
layer { name: "data" type: "Input" top: "data" input_param {
  shape { dim: 2 dim: 3 dim: 9 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""
BLOBS = ["conv#0", "conv#1", "conv#2", "conv", "fc", "prob"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a net, its weights, others in one layer, and what it is exported as."""
    folder = tmp_path_factory.mktemp("verify")
    (folder / "net.prototxt").write_text(NET)
    torch.manual_seed(0)
    exe = netdef.compile(netdef.load(folder / "net.prototxt"), device="cpu")
    mean, variance, factor = exe.params["bn"]
    mean.normal_()
    variance.uniform_(0.5, 4.0)
    factor.fill_(1.0)
    exe.save_weights(folder / "net.caffemodel")
    exe.params["scale"][0].data.mul_(1.01)
    exe.save_weights(folder / "other.safetensors")
    for name in ("net.onnx", "net.py"):
        model, weights = str(folder / "net.prototxt"), str(folder / "net.caffemodel")
        export = ["export", model, "--weights", weights, "-o", str(folder / name)]
        result = CliRunner().invoke(main, export)
        assert result.exit_code == 0, result.output
    return folder


def verify(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str, code: int = 0) -> Result:
    """Run `netdef verify` in the folder."""
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, ["verify", *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def found(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout)


@pytest.mark.parametrize("other", ["fp64", "onnxruntime", "net.onnx"])
def test_every_blob_agrees(other: str, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of execution, also the values whose name an in-place layer took over."""
    options = ("net.prototxt", other, "--weights", "net.caffemodel", "--json")
    said = found(verify(made, monkeypatch, *options))
    assert said["equal"] and said["first_divergence"] is None
    assert [blob["blob"] for blob in said["blobs"]] == BLOBS
    assert all(blob["relative"] <= 1e-6 for blob in said["blobs"])
    if other != "onnxruntime":
        assert any(blob["difference"] > 0 for blob in said["blobs"])
    assert said["blobs"][2]["layer"] == "scale"
    assert said["blobs"][2]["place"] == "net.prototxt:7:15"


@pytest.mark.parametrize(
    "pair",
    [
        ("net.caffemodel", "other.safetensors", "--model", "net.prototxt"),
        ("net.onnx", "net.prototxt", "--weights", "other.safetensors"),
    ],
    ids=" ".join,
)
def test_the_first_divergence(
    pair: tuple[str, ...], made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named with its layer and place, in text and JSON; what is before it agrees."""
    result = verify(made, monkeypatch, *pair, code=1)
    assert "net.prototxt:7:15: error[executors-differ]: `conv#2` of layer `scale`" in result.output
    assert "4 of 6 blobs beyond the tolerance of 1e-05" in result.output
    said = found(verify(made, monkeypatch, *pair, "--json", code=1))
    assert said["first_divergence"] == "conv#2"
    assert [blob["fits"] for blob in said["blobs"]] == [True, True, False, False, False, False]
    assert said["blobs"][2]["relative"] == pytest.approx(0.01, rel=0.02)
    verify(made, monkeypatch, *pair, "--tolerance", "0.02")


def test_modules_tell_their_outputs(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source is run when that is allowed; its only output has no name."""
    refused = verify(made, monkeypatch, "net.onnx", "net.py", code=1)
    assert "error[code-not-run]" in refused.output and "--allow-python" in refused.output
    options = ("net.onnx", "net.py", "--allow-python", "--json")
    said = found(verify(made, monkeypatch, *options))
    assert [blob["blob"] for blob in said["blobs"]] == ["prob"]
    (made / "broken.py").write_text("class Net:\n    pass\n")
    (made / "broken.safetensors").write_bytes(b"")
    options = ("net.onnx", "broken.py", "--allow-python")
    assert "error[bad-module]" in verify(made, monkeypatch, *options, code=1).output


def test_programs(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of torch.export: the outputs by name."""
    from netdef.torch_source.export_program import export_program

    net = netdef.load(made / "net.prototxt")
    exe = netdef.compile(net, made / "net.caffemodel", device="cpu")
    export_program(exe, made / "net.pt2")
    options = ("net.prototxt", "net.pt2", "--weights", "net.caffemodel", "--allow-python", "--json")
    said = found(verify(made, monkeypatch, *options))
    assert [blob["blob"] for blob in said["blobs"]] == ["prob"]


def test_folded(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What folding leaves is compared."""
    options = ("fp32", "optimized", "--model", "net.prototxt", "--weights", "net.caffemodel")
    said = found(verify(made, monkeypatch, *options, "--json"))
    assert [blob["blob"] for blob in said["blobs"]] == ["conv#2", "conv", "fc", "prob"]


def test_given_inputs(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros, of another batch than the file's; a name that is no input is a fault."""
    np.save(made / "zeros.npy", np.zeros((1, 3, 9, 9)))
    options = ("net.prototxt", "fp64", "--weights", "net.caffemodel", "--json")
    said = found(verify(made, monkeypatch, *options, "--input", "data=zeros.npy"))
    assert said["inputs"] == {"data": [1, 3, 9, 9]}
    assert said["blobs"][0]["largest_value"] == 0
    options = (*options, "--input", "dat=zeros.npy")
    assert "did you mean `data`?" in verify(made, monkeypatch, *options, code=1).output


def test_other_nets(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blobs are compared by name, and shapes too; nothing in common is a fault."""
    (made / "wide.prototxt").write_text(NET.replace("num_output: 5", "num_output: 6"))
    result = verify(made, monkeypatch, "net.prototxt", "wide.prototxt", "--json", code=1)
    blobs = {blob["blob"]: blob for blob in found(result)["blobs"]}
    assert blobs["fc"]["shapes"] == [[2, 5], [2, 6]] and blobs["fc"]["difference"] is None
    (made / "two.prototxt").write_text(
        'layer { name: "in" type: "Input" top: "in" input_param { shape { dim: 1 } } }\n'
        'layer { name: "a" type: "ReLU" bottom: "in" top: "b" }\n'
        'layer { name: "c" type: "TanH" bottom: "in" top: "d" }\n'
    )
    result = verify(made, monkeypatch, "net.prototxt", "two.prototxt", code=1)
    assert "error[no-common-blob]" in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("fp64", "net.onnx"), "fp64 needs a net: give --model"),
        (("a.caffemodel", "b.caffemodel"), "needs a net: give --model"),
        (("net.prototxt", "fp8"), "fp8 is neither"),
    ],
)
def test_usage(
    options: tuple[str, ...], said: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What names nothing, or lacks a net."""
    assert said in verify(made, monkeypatch, *options, code=2).output


@pytest.mark.parametrize("name", ["missing.prototxt", "missing.onnx", "missing.py", "missing.pt2"])
def test_missing_files(name: str, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error each."""
    options = (name, "net.onnx", "--allow-python")
    assert "error[missing-file]" in verify(made, monkeypatch, *options, code=1).output
