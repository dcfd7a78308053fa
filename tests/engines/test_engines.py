"""Every engine gives the numbers of the plain executor."""

import shutil
from pathlib import Path

import pytest
import torch

import netdef
from netdef.engines import ENGINES, engine_of
from netdef.source import NetdefError
from netdef.torch_backend.executable import Executable

MODELS = Path(__file__).parents[2] / "models"
BAR = 1e-5
NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 11 dim: 11 } } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param {
  num_output: 6 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param {
  pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "d" type: "Dropout" bottom: "p" top: "d" }
layer { name: "ip" type: "InnerProduct" bottom: "d" top: "ip" inner_product_param {
  num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "softmax" type: "Softmax" bottom: "ip" top: "prob" }
layer { name: "tanh" type: "TanH" bottom: "ip" top: "also" }
"""


def program(text: str = NET) -> Executable:
    """The net with statistics and factors drawn."""
    torch.manual_seed(0)
    exe = netdef.compile(netdef.loads(text), device="cpu")
    if "b" in exe.params:
        exe.params["b"][0].normal_()
        exe.params["b"][1].uniform_(0.5, 4.0)
        exe.params["b"][2].fill_(1.0)
        exe.params["s"][0].data.normal_()
        exe.params["s"][1].data.normal_()
    return exe


def images(batch: int) -> torch.Tensor:
    return torch.randn(batch, 3, 11, 11, generator=torch.Generator().manual_seed(batch))


def apart(actual: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest difference as a part of the largest value."""
    assert actual.shape == expected.shape
    return ((actual - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # its compiler warns of itself
def test_outputs(name: str) -> None:
    """For the batch of the file and others, from tensors and arrays."""
    if name == "compiled" and not shutil.which("g++"):
        pytest.skip("torch.compile needs a compiler")
    exe = program()
    engine = engine_of(exe, name)
    for batch in (2, 5):
        x = images(batch)
        expected = exe({"x": x})
        found = engine.run({"x": x.numpy() if batch == 2 else x})
        assert list(found) == ["also", "prob"]
        assert max(apart(found[blob], expected[blob]) for blob in expected) <= BAR
        assert not any(value.requires_grad for value in found.values())


@pytest.mark.parametrize("name", ["torch", "optimized", "onnxruntime"])
def test_blobs_inside(name: str) -> None:
    """Those that folding would merge, that share a value with another, and an input."""
    exe = program()
    blobs = ["c", "d", "p", "ip", "x"]
    engine = engine_of(exe, name, blobs)
    x = images(2)
    expected = exe.run({"x": x}, blobs)
    found = engine.run({"x": x})
    assert list(found) == blobs
    assert max(apart(found[blob], expected[blob]) for blob in blobs) <= BAR
    assert list(engine.run({"x": x}, ["ip"])) == ["ip"]


def test_lenet() -> None:
    """A model of ours, by the engine that is taken unless another is asked for."""
    torch.manual_seed(0)
    net = netdef.load(MODELS / "lenet" / "deploy.prototxt", shapes={"data": (2, 1, 28, 28)})
    exe = netdef.compile(net, device="cpu")
    with torch.no_grad():
        for tensors in exe.params.values():
            for tensor in tensors:
                tensor.normal_(0, 0.1)
    x = torch.randn(2, 1, 28, 28)
    assert apart(engine_of(exe).run({"data": x})["prob"], exe({"data": x})["prob"]) <= BAR


@pytest.mark.parametrize(
    ("name", "blobs", "rule", "said"),
    [
        ("tensorrt", None, "unknown-engine", "engines are auto, torch"),
        ("optimised", None, "unknown-engine", "did you mean `optimized`"),
        ("optimized", ["probb"], "unknown-blob", "did you mean `prob`"),
        ("onnxruntime", ["probb"], "unknown-blob", "did you mean `prob`"),
    ],
)
def test_faults(name: str, blobs: list[str] | None, rule: str, said: str) -> None:
    """Wrong names, with the near one."""
    with pytest.raises(NetdefError) as caught:
        engine_of(program(), name, blobs)
    (fault,) = caught.value.diagnostics
    assert fault.rule == rule and said in (fault.note or "")


def test_inputs_that_do_not_fit() -> None:
    """A missing one, one of another size, and a blob that was not asked for in time."""
    engine = engine_of(program(), "onnxruntime")
    for feed, blobs, rule in (
        ({}, None, "missing-input"),
        ({"x": torch.zeros(1, 4, 11, 11)}, None, "onnx-invalid"),
        ({"x": images(1)}, ["c"], "unknown-blob"),
    ):
        with pytest.raises(NetdefError) as caught:
            engine.run(feed, blobs)
        assert [fault.rule for fault in caught.value.diagnostics] == [rule]


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said before anything is computed, and what to take instead."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(NetdefError) as caught:
        engine_of(program(), "compiled")
    (fault,) = caught.value.diagnostics
    assert fault.rule == "no-compiler" and "no-such-compiler" in fault.message
    assert "`optimized`" in (fault.note or "")
