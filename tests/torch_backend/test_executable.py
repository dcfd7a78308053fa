"""A net as a torch program."""

from pathlib import Path

import numpy as np
import pytest
import torch

import netdef

NET = """
name: "small"
layer {
  name: "data" type: "Input" top: "data" top: "label"
  input_param { shape { dim: 4 dim: 6 } shape { dim: 4 } }
}
layer {
  name: "a/fc" type: "InnerProduct" bottom: "data" top: "a"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer {
  name: "a_fc" type: "InnerProduct" bottom: "a" top: "b"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "b" bottom: "label" top: "loss" }
layer { name: "half" type: "ReLU" bottom: "b" top: "half" loss_weight: 0.5 }
"""


@pytest.fixture
def exe() -> torch.nn.Module:
    """The small net on the CPU, the same each time."""
    torch.manual_seed(0)
    return netdef.compile(netdef.loads(NET), device="cpu")


def feed(rows: int = 4) -> dict[str, np.ndarray]:
    """Return inputs of a batch size."""
    rng = np.random.default_rng(1)
    data = rng.standard_normal((rows, 6)).astype("f4")
    return {"data": data, "label": rng.integers(0, 3, rows)}


def by_hand(exe: torch.nn.Module, data: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the net in numpy."""
    (w1, b1), (w2, b2) = ([t.detach().numpy() for t in exe.params[n]] for n in ("a/fc", "a_fc"))
    first = data @ w1.T + b1
    a = np.maximum(first, 0)
    b = a @ w2.T + b2
    return {"first": first, "a": a, "b": b, "half": np.maximum(b, 0)}


def test_outputs_and_blobs(exe: torch.nn.Module) -> None:
    """A call gives the outputs; any blob can be asked for, as its last version."""
    inputs, expected = feed(), by_hand(exe, feed()["data"])
    assert sorted(exe(inputs)) == ["half", "loss"]
    blobs = exe.run(inputs, ["a", "b", "half"])
    for name, value in blobs.items():
        np.testing.assert_allclose(value.detach(), expected[name], rtol=1e-5, atol=1e-6)
    assert set(exe.run(inputs)) == {"data", "label", "a", "b", "loss", "half"}


def test_only_what_is_needed_is_computed(exe: torch.nn.Module) -> None:
    """Inputs that a blob does not need may be left out."""
    seen: list[str] = []
    for name, module in exe.layers.items():
        module.register_forward_hook(lambda *_, name=name: seen.append(name))
    exe.run({"data": feed()["data"]}, ["a"])
    assert seen == ["layer_a_fc", "layer_relu"]


def test_any_blob_can_be_fed(exe: torch.nn.Module) -> None:
    """A fed blob replaces what would be computed; in place, it is the last version."""
    a = np.ones((2, 5), "f4")
    w, b = (t.detach().numpy() for t in exe.params["a_fc"])
    np.testing.assert_allclose(exe.run({"a": a}, ["b"])["b"].detach(), a @ w.T + b, rtol=1e-5)


def test_loss_is_the_weighted_sum_over_all_tops(exe: torch.nn.Module) -> None:
    """loss_weight times the sum of every element."""
    inputs = feed()
    values = exe(inputs)
    expected = values["loss"] + 0.5 * values["half"].sum()
    assert exe.loss(inputs).shape == ()
    torch.testing.assert_close(exe.loss(inputs), expected)


def test_autograd_reaches_parameters_and_inputs(exe: torch.nn.Module) -> None:
    """Also in TEST, and for inputs that require it; labels get none."""
    inputs = {k: torch.as_tensor(v, dtype=torch.float32) for k, v in feed().items()}
    inputs["data"].requires_grad_()
    exe.loss(inputs).backward()
    assert inputs["data"].grad is not None
    assert all(p.grad is not None and p.grad.isfinite().all() for p in exe.parameters())


def test_other_batch_size(exe: torch.nn.Module) -> None:
    """Shapes follow the inputs; what cannot fit is explained at its place."""
    assert exe(feed(9))["half"].shape == (9, 3)
    with pytest.raises(
        netdef.NetdefError, match=r"layer `a/fc` would need a weight of shape \(5, 7\)"
    ):
        exe({"data": np.zeros((4, 7), "f4"), "label": np.zeros(4)})


@pytest.mark.parametrize(
    ("inputs", "blobs", "message"),
    [
        ({}, ["a"], "no value is given for `data`"),
        ({"data": np.zeros((1, 6))}, ["loss"], "no value is given for `label`"),
        ({"data": np.zeros((1, 6))}, ["aa"], "this net has no blob `aa`"),
        ({"data": np.zeros((1, 6)), "label": [7]}, ["loss"], "out of range"),
    ],
)
def test_faults(exe: torch.nn.Module, inputs: dict, blobs: list[str], message: str) -> None:
    """What is wrong with a call is a NetdefError, not torch's traceback."""
    with pytest.raises(netdef.NetdefError, match=message):
        exe.run(inputs, blobs)


def test_no_loss() -> None:
    """A net without a loss says so."""
    net = netdef.loads(
        NET.replace("loss_weight: 0.5", "")
        .replace('"SoftmaxWithLoss"', '"Silence"')
        .replace('top: "loss"', "")
    )
    with pytest.raises(netdef.NetdefError, match="no loss"):
        netdef.compile(net, device="cpu").loss(feed())


def test_sharing(exe: torch.nn.Module) -> None:
    """A second net uses the very parameters of the first."""
    other = netdef.compile(netdef.loads(NET, phase="TRAIN"), device="cpu", share=exe)
    assert all(a is b for a, b in zip(exe.parameters(), other.parameters(), strict=True))
    wider = netdef.loads(NET.replace("num_output: 5", "num_output: 6"))
    with pytest.raises(netdef.NetdefError, match="cannot share"):
        netdef.compile(wider, device="cpu", share=exe)


@pytest.mark.parametrize("suffix", ["caffemodel", "caffemodel.h5", "safetensors"])
def test_weights_come_back(exe: torch.nn.Module, tmp_path: Path, suffix: str) -> None:
    """Saved and loaded, every parameter is the same."""
    path = tmp_path / f"w.{suffix}"
    exe.save_weights(path)
    other = netdef.compile(netdef.loads(NET), weights=path, device="cpu")
    for name, tensors in exe.params.items():
        assert all(map(torch.equal, tensors, other.params[name]))


def test_same_seed_same_fill() -> None:
    """Fillers draw from torch's generator."""
    torch.manual_seed(5)
    first = netdef.compile(netdef.loads(NET), device="cpu").params["a_fc"][0]
    torch.manual_seed(5)
    assert torch.equal(netdef.compile(netdef.loads(NET), device="cpu").params["a_fc"][0], first)


def test_layer_names_survive(exe: torch.nn.Module) -> None:
    """Modules have escaped names, each its own; a node's meta has the layer's name."""
    assert list(exe.layers) == [
        "layer_a_fc",
        "layer_relu",
        "layer_a_fc_2",
        "layer_loss",
        "layer_half",
    ]
    exe(feed())
    (program,) = exe._programs.values()
    named = [n.meta["layer"] for n in program.module.graph.nodes if "layer" in n.meta]
    assert named == ["a/fc", "relu", "a_fc", "loss", "half"]


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_precision(exe: torch.nn.Module, precision: str) -> None:
    """Coarser arithmetic is near the exact one."""
    coarse = netdef.compile(netdef.loads(NET), device="cpu", precision=precision, share=exe)
    near = coarse(feed())["half"].float()
    torch.testing.assert_close(near, exe(feed())["half"], rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "is not a device"),
        ({"device": "cuda:77"}, "is not there"),
        ({"precision": "fp8"}, "is not a precision"),
        ({"weights": "nowhere.caffemodel"}, r"nowhere\.caffemodel"),
    ],
)
def test_wrong_options(options: dict[str, str], message: str) -> None:
    """Devices, precisions and files that are not there."""
    with pytest.raises(netdef.NetdefError, match=message):
        netdef.compile(netdef.loads(NET), **{"device": "cpu", **options})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_agrees(exe: torch.nn.Module, tmp_path: Path) -> None:
    """The same code on both devices, the same numbers."""
    exe.save_weights(tmp_path / "w.safetensors")
    gpu = netdef.compile(netdef.loads(NET), weights=tmp_path / "w.safetensors", device="cuda")
    torch.testing.assert_close(gpu(feed())["half"].cpu(), exe(feed())["half"], rtol=1e-5, atol=1e-5)
