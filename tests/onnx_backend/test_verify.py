"""The comparison with onnxruntime itself."""

from pathlib import Path

import numpy as np
import torch

import netdef
from netdef.onnx_backend.feeds import random_feed
from netdef.onnx_backend.verify import Difference, Model, compare, difference_of
from netdef.torch_backend.executable import Executable

NET = """
layer { name: "data" type: "Input" top: "data" top: "label" top: "marker"
  input_param { shape { dim: 4 dim: 6 dim: 3 } shape { dim: 4 dim: 2 } shape { dim: 4 dim: 6 } } }
layer { name: "lstm" type: "LSTM" bottom: "data" bottom: "marker" top: "h"
  recurrent_param { num_output: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 5 } }
layer { name: "slice" type: "Slice" bottom: "label" top: "label_a" top: "label_b" }
layer { name: "loss_a" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label_a" top: "loss_a" }
layer { name: "loss_b" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label_b" top: "loss_b" }
"""


def test_inputs_are_what_their_readers_can_read() -> None:
    """Numbers, labels (through a Slice as well), and markers that begin a sequence."""
    net = netdef.loads(NET.replace("slice_param", ""))
    shapes = {name: net.blobs[name].shape for name in net.inputs}
    feed = random_feed(net, shapes, seed=3)
    again = random_feed(net, shapes, seed=3)
    assert {name: values.shape for name, values in feed.items()} == shapes
    assert all((feed[name] == again[name]).all() for name in feed)
    assert set(np.unique(feed["label"])) == set(np.unique(feed["marker"])) == {0.0, 1.0}
    assert (feed["marker"][0] == 0).all()
    assert len(np.unique(feed["data"])) == feed["data"].size
    assert {values.dtype for values in feed.values()} == {np.dtype(np.float32)}


def test_difference() -> None:
    """Largest absolute difference; what is no number must be none on both sides."""
    nan, inf = np.nan, np.inf
    one = np.array([1.0, -2.0, nan, inf], np.float32)
    assert difference_of(one, one) == Difference(0.0, 2.0)
    assert difference_of(np.float32([1.0, -2.5, nan, inf]), one) == Difference(0.5, 2.0)
    assert difference_of(np.float32([1.0, -2.0, 3.0, inf]), one).largest == inf
    assert difference_of(np.float32([1.0, -2.0, nan, -inf]), one).largest == inf
    assert difference_of(np.zeros((2, 1)), np.zeros(2)).largest == inf
    assert difference_of(np.zeros((0, 3)), np.zeros((0, 3))) == Difference()


def test_rounding_is_no_fault(tmp_path: Path) -> None:
    """Where single precision strays, the exact numbers decide; a wrong layer stays wrong."""
    text = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 8 } } }
layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }
"""
    net = netdef.loads(text)
    path = tmp_path / "net.onnx"
    netdef.export_onnx(net, path)
    names = {"x": "x"}, {"y": "y"}
    feed = {"x": np.full((1, 8), 0.5, np.float32)}

    class Straying(Executable):
        off = 1e-3

        def run(self, inputs, blobs=None):
            off = 0.0 if self._like.dtype == torch.float64 else self.off
            return {name: value + off for name, value in super().run(inputs, blobs).items()}

    program = Straying(net, "cpu")
    assert compare(Model(path, *names), program, [feed]).largest == 0
    path = tmp_path / "other.onnx"
    netdef.export_onnx(netdef.loads(text.replace("ReLU", "TanH")), path)
    assert not compare(Model(path, *names), program, [feed]).outputs["y"].fits


def test_the_tolerance_is_relative_above_one() -> None:
    """1e-5, or 1e-5 of the largest value expected."""
    assert Difference(0.9e-5, 0.1).fits
    assert not Difference(1.1e-5, 0.1).fits
    assert Difference(0.9e-3, 100.0).fits
    assert not Difference(1.1e-3, 100.0).fits
