"""Half precision inside, single precision outside."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import netdef
from netdef.onnx_backend.half import fits
from netdef.onnx_backend.opset import newest_opset
from netdef.source import NetdefError

HALF, FLOAT = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 9 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 20 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }
layer { name: "pool" type: "Pooling" bottom: "c" top: "p"
  pooling_param { pool: AVE kernel_size: 2 stride: 2 pad: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "p" top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
FILTERED = """
layer { name: "x" type: "Input" top: "x" top: "s"
  input_param { shape { dim: 8 dim: 3 } shape { dim: 8 } } }
layer { name: "one" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "filter" type: "Filter" bottom: "y" bottom: "s" top: "z" }
"""
LSTM = """
layer { name: "x" type: "Input" top: "x" top: "cont"
  input_param { shape { dim: 5 dim: 2 dim: 30 } shape { dim: 5 dim: 2 } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
  recurrent_param { num_output: 20 weight_filler { type: "uniform" min: -0.2 max: 0.2 } } }
"""


@pytest.mark.parametrize("opset", [17, newest_opset()])
@pytest.mark.parametrize("text", [NET, FILTERED, LSTM], ids=["plain", "choice", "loop"])
def test_half(tmp_path: Path, text: str, opset: int) -> None:
    """The file runs, within 1 % of the largest value, and its weights take half the room."""
    path = tmp_path / "net.onnx"
    net = netdef.loads(text)
    exe = netdef.compile(net, device="cpu")
    result = netdef.export_onnx(net, path, executable=exe, opset=opset, half=True)
    assert result.half
    assert result.comparison is not None
    assert result.comparison.tolerance.relative == 1e-2
    assert 0 < result.comparison.relative <= 1e-2
    graph = onnx.load(path).graph
    for value in (*graph.input, *graph.output):
        assert value.type.tensor_type.elem_type == FLOAT
    stored = {tensor.name: tensor.data_type for tensor in graph.initializer}
    assert HALF in stored.values()
    assert FLOAT not in stored.values()
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert said["precision"] == "float16"


def test_what_is_computed_in_half(tmp_path: Path) -> None:
    """Everything that ONNX knows in half; casts only at the ends."""
    netdef.export_onnx(netdef.loads(NET), tmp_path / "net.onnx", half=True)
    graph = onnx.load(tmp_path / "net.onnx").graph
    casts = [node.name for node in graph.node if node.op_type == "Cast"]
    assert casts == ["x/to_half", "prob/to_float"]
    types = {v.name: v.type.tensor_type.elem_type for v in graph.value_info}
    assert {types[name] for name in ("c", "p", "ip")} == {HALF}


def test_what_does_not_fit_stays(tmp_path: Path) -> None:
    """A weight above 65504 is kept, and used, in single precision; so are numbers all too small."""
    assert not fits(np.full(3, 1e-6, np.float32))
    assert fits(np.array([0.0, 1e-6, 1.0, np.inf], np.float32))
    net = netdef.loads(NET)
    exe = netdef.compile(net, device="cpu")
    with torch.no_grad():
        exe.params["ip"][0][0, 0] = 7e4
    netdef.export_onnx(net, tmp_path / "net.onnx", executable=exe, half=True)
    stored = {t.name: t.data_type for t in onnx.load(tmp_path / "net.onnx").graph.initializer}
    assert (stored["conv/weight"], stored["ip/weight"], stored["ip/bias"]) == (HALF, FLOAT, HALF)


def test_a_net_that_half_precision_does_not_suit(tmp_path: Path) -> None:
    """Values that overflow: an error that says so, and no file."""
    text = NET.replace('type: "ReLU"', 'type: "Power" power_param { scale: 60000 }')
    with pytest.raises(NetdefError, match="does not suit this net: blob `c` reaches"):
        netdef.export_onnx(netdef.loads(text), tmp_path / "net.onnx", half=True)
    assert not list(tmp_path.iterdir())


def test_choices_are_made_in_single_precision(tmp_path: Path) -> None:
    """In half precision many scores are equal."""
    netdef.export_onnx(netdef.loads(FILTERED), tmp_path / "net.onnx", half=True)
    graph = onnx.load(tmp_path / "net.onnx").graph
    filtered = [node for node in graph.node if node.name.startswith("filter")]
    read = {name for node in filtered for name in node.input}
    assert read >= {"y/float", "s"}
    assert np.all([not name.endswith("/half") for name in read])
