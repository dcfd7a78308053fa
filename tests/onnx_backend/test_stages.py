"""Nets whose layers choose: what they choose from is compared, then what they choose."""

from pathlib import Path

import numpy as np
import pytest

import netdef
from netdef import catalog
from netdef.onnx_backend.feeds import random_feed
from netdef.source import NetdefError

NET = """
layer { name: "x" type: "Input" top: "x" top: "s"
  input_param { shape { dim: 8 dim: 3 } shape { dim: 8 dim: 3 } } }
layer { name: "one" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
layer { name: "threshold" type: "Threshold" bottom: "y" top: "chosen" }
layer { name: "filter" type: "Filter" bottom: "s" bottom: "chosen" top: "z" }
layer { name: "two" type: "InnerProduct" bottom: "z" top: "out"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
"""


def test_what_is_compared(tmp_path: Path) -> None:
    """What goes into a choice, the choice, what it is used for, and the outputs."""
    result = netdef.export_onnx(netdef.loads(NET), tmp_path / "net.onnx")
    assert result.comparison is not None
    assert set(result.comparison.outputs) == {"out"}
    assert set(result.comparison.inside) == {"y", "chosen", "z"}
    assert result.comparison.largest <= 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_a_wrong_choice_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and at the choice; the blob is named."""
    net = netdef.loads(NET)
    threshold, choice = type(catalog.find("Threshold")), type(catalog.find("Filter"))
    with monkeypatch.context() as patch:
        patch.setattr(threshold, "onnx", lambda self, n, g, ins: g.op("Exp", ins[0]))
        with pytest.raises(NetdefError, match="blob `chosen` of the ONNX file differs"):
            netdef.export_onnx(net, tmp_path / "net.onnx")
    with monkeypatch.context() as patch:
        patch.setattr(choice, "onnx", lambda self, n, g, ins: g.op("Neg", ins[0]))
        with pytest.raises(NetdefError, match="blob `z` of the ONNX file differs"):
            netdef.export_onnx(net, tmp_path / "net.onnx")


DETECTION = """
layer { name: "in" type: "Input" top: "data" top: "info"
  input_param { shape { dim: 1 dim: 8 dim: 40 dim: 60 } shape { dim: 1 dim: 3 } } }
layer { name: "scores" type: "Convolution" bottom: "data" top: "scores"
  convolution_param { num_output: 18 kernel_size: 16 stride: 16 weight_filler { type: "xavier" } } }
layer { name: "offsets" type: "Convolution" bottom: "data" top: "offsets"
  convolution_param { num_output: 36 kernel_size: 16 stride: 16
    weight_filler { type: "gaussian" std: 0.001 } } }
layer { name: "propose" type: "Python" bottom: "scores" bottom: "offsets" bottom: "info" top: "rois"
  python_param { module: "rpn.proposal_layer" layer: "ProposalLayer"
    param_str: "'feat_stride': 16" } }
layer { name: "pool" type: "ROIPooling" bottom: "scores" bottom: "rois" top: "out"
  roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.0625 } }
"""


def test_sizes_of_images_and_regions() -> None:
    """Inputs that mean something get what they mean."""
    net = netdef.loads(DETECTION)
    shapes = {name: net.blobs[name].shape for name in net.inputs}
    feed = random_feed(net, shapes)
    assert feed["info"].tolist() == [[40, 60, 1.25]]
    text = """
layer { name: "in" type: "Input" top: "data" top: "rois"
  input_param { shape { dim: 2 dim: 8 dim: 40 dim: 60 } shape { dim: 50 dim: 5 } } }
layer { name: "pool" type: "ROIPooling" bottom: "data" bottom: "rois" top: "out"
  roi_pooling_param { pooled_h: 2 pooled_w: 2 } }
"""
    net = netdef.loads(text)
    rois = random_feed(net, {"data": (2, 8, 40, 60), "rois": (50, 5)})["rois"]
    assert set(np.unique(rois[:, 0])) == {0, 1}
    assert (rois[:, 1:3] <= rois[:, 3:]).all()
    assert rois[:, 1:].min() >= 0
    assert (rois[:, 3] <= 59).all()
    assert (rois[:, 4] <= 39).all()
    assert rois[:, 3].max() > 40


def test_a_detector(tmp_path: Path) -> None:
    result = netdef.export_onnx(netdef.loads(DETECTION), tmp_path / "net.onnx")
    assert result.comparison is not None
    assert set(result.comparison.inside) == {"scores", "offsets", "rois"}
    assert result.comparison.relative <= 1e-5


UNPOOLED = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 dim: 70 dim: 70 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "pool" type: "Pooling" bottom: "c" top: "p" top: "mask"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "up" type: "Upsample" bottom: "p" bottom: "mask" top: "up"
  upsample_param { scale: 2 } }
layer { name: "crop" type: "Crop" bottom: "up" bottom: "c" top: "out" crop_param { axis: 2 } }
"""


@pytest.mark.parametrize("half", [False, True])
def test_places_of_maxima(tmp_path: Path, half: bool) -> None:
    """They are chosen, and above 2048 no numbers of half precision; a shape is no choice."""
    result = netdef.export_onnx(netdef.loads(UNPOOLED), tmp_path / "net.onnx", half=half)
    assert result.comparison is not None
    assert set(result.comparison.inside) == {"c", "p", "mask"}
    assert result.comparison.inside["mask"].largest == 0
