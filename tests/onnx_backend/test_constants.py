"""What depends on weights only is computed when the file is made."""

from pathlib import Path

import numpy as np
import onnx
import torch

import netdef

NORM = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
"""


def arrays(path: Path) -> dict[str, np.ndarray]:
    stored = onnx.load(path).graph.initializer
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in stored}


def test_the_file_holds_plain_statistics(tmp_path: Path) -> None:
    """Mean and variance divided by their factor, under their names; one node, named after it."""
    net = netdef.loads(NORM)
    exe = netdef.compile(net, device="cpu")
    mean, variance, factor = exe.params["bn"]
    with torch.no_grad():
        mean.copy_(torch.tensor([2.0, 4.0, 6.0]))
        variance.copy_(torch.tensor([8.0, 4.0, 2.0]))
        factor.fill_(2.0)
    netdef.export_onnx(net, tmp_path / "net.onnx", executable=exe)
    graph = onnx.load(tmp_path / "net.onnx").graph
    assert [(node.op_type, node.name) for node in graph.node] == [
        ("BatchNormalization", "bn"),
        ("Relu", "relu"),
    ]
    assert [node.doc_string for node in graph.node] == ["BatchNorm bn", "ReLU relu"]
    stored = arrays(tmp_path / "net.onnx")
    np.testing.assert_array_equal(stored["bn/mean"], [1, 2, 3])
    np.testing.assert_array_equal(stored["bn/variance"], [4, 2, 1])
    assert not any("factor" in name for name in stored)


def test_empty_statistics(tmp_path: Path) -> None:
    """A factor of 0 makes zeros, in the file too."""
    netdef.export_onnx(netdef.loads(NORM), tmp_path / "net.onnx")
    stored = arrays(tmp_path / "net.onnx")
    assert stored["bn/mean"].tolist() == stored["bn/variance"].tolist() == [0, 0, 0]


def test_a_weight_that_is_needed_as_it_is(tmp_path: Path) -> None:
    """It is not stored a second time in another form."""
    text = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 30 } } }
layer { name: "one" type: "InnerProduct" bottom: "x" top: "y" param { name: "w" }
  inner_product_param { num_output: 40 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "two" type: "InnerProduct" bottom: "x" top: "z"
  param { name: "w" share_mode: PERMISSIVE }
  inner_product_param { num_output: 40 bias_term: false transpose: true } }
"""
    netdef.export_onnx(netdef.loads(text), tmp_path / "net.onnx")
    large = [name for name, array in arrays(tmp_path / "net.onnx").items() if array.size > 10]
    assert large == ["one/weight"]
