"""OpenCV reads the same prototxt and caffemodel, and computes the same.

Its importer knows nothing of netdef, so that it judges the meaning of the layers, of the weights'
layout, and the files that are written.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import netdef
from netdef.torch_backend.executable import Executable

cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is not installed")

BAR = 1e-4
MODELS = Path(__file__).parents[1] / "models"
NETS = Path(__file__).parents[2] / "shared" / "conformance" / "nets"
PUBLISHED = {
    "lenet": False,
    "cifar10_full": False,
    "squeezenet_v1.1": False,
    "mobilenet": False,
    "alexnet": True,
    "caffenet_full_conv": True,
    "googlenet": True,
    "resnet50": True,
}
"""Whether a net takes long."""

CONV = """layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 } }
"""
LAYERS = {
    "convolution": """layer { name: "a" type: "Convolution" bottom: "conv" top: "a"
      convolution_param { num_output: 4 group: 2
      kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 2 } }""",
    "dilation": """layer { name: "a" type: "Convolution" bottom: "conv" top: "a"
      convolution_param { num_output: 4 kernel_size: 3 dilation: 2 bias_term: false } }""",
    "deconvolution": """layer { name: "a" type: "Deconvolution" bottom: "conv" top: "a"
      convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 } }""",
    "max_pooling": """layer { name: "a" type: "Pooling" bottom: "conv" top: "a"
      pooling_param { kernel_size: 3 stride: 2 } }""",
    "average_pooling": """layer { name: "a" type: "Pooling" bottom: "conv" top: "a"
      pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }""",
    "global_pooling": """layer { name: "a" type: "Pooling" bottom: "conv" top: "a"
      pooling_param { pool: AVE global_pooling: true } }""",
    "batch_norm": """layer { name: "a" type: "BatchNorm" bottom: "conv" top: "a" }
      layer { name: "b" type: "Scale" bottom: "a" top: "b" scale_param { bias_term: true } }
      layer { name: "c" type: "ReLU" bottom: "b" top: "b" relu_param { negative_slope: 0.1 } }""",
    "lrn": """layer { name: "a" type: "LRN" bottom: "conv" top: "a"
      lrn_param { local_size: 5 alpha: 0.1 beta: 0.75 } }""",
    "lrn_within": """layer { name: "a" type: "LRN" bottom: "conv" top: "a"
      lrn_param { local_size: 3 alpha: 0.1 norm_region: WITHIN_CHANNEL } }""",
    "dense": """layer { name: "a" type: "InnerProduct" bottom: "conv" top: "a"
      inner_product_param { num_output: 6 } }
      layer { name: "b" type: "Sigmoid" bottom: "a" top: "a" }
      layer { name: "c" type: "Softmax" bottom: "a" top: "c" }""",
    "eltwise": """layer { name: "a" type: "TanH" bottom: "conv" top: "a" }
      layer { name: "b" type: "Eltwise" bottom: "conv" bottom: "a" top: "b"
      eltwise_param { operation: SUM coeff: 1 coeff: -0.5 } }""",
    "concat": """layer { name: "a" type: "AbsVal" bottom: "conv" top: "a" }
      layer { name: "b" type: "Concat" bottom: "conv" bottom: "a" top: "b" }""",
    "slice": """layer { name: "a" type: "Slice" bottom: "conv" top: "a" top: "b"
      slice_param { slice_point: 3 } }
      layer { name: "c" type: "ELU" bottom: "a" top: "c" }
      layer { name: "d" type: "BNLL" bottom: "b" top: "d" }""",
    "prelu": """layer { name: "a" type: "PReLU" bottom: "conv" top: "a" }""",
    "power": """layer { name: "a" type: "Power" bottom: "conv" top: "a"
      power_param { power: 2 scale: 0.5 shift: 1 } }""",
    "permute": """layer { name: "a" type: "Permute" bottom: "conv" top: "a"
      permute_param { order: 0 order: 2 order: 3 order: 1 } }
      layer { name: "b" type: "Flatten" bottom: "a" top: "b" }""",
    "reshape": """layer { name: "a" type: "Reshape" bottom: "conv" top: "a"
      reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } } }""",
    "normalize": """layer { name: "a" type: "Normalize" bottom: "conv" top: "a"
      norm_param { across_spatial: false channel_shared: false } }""",
    "mvn": """layer { name: "a" type: "MVN" bottom: "conv" top: "a" }""",
}


def draw_weights(exe: Executable) -> None:
    """Give a net weights that keep its values in bounds, and statistics that are none by chance."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in exe.net.layers:
            for index, tensor in enumerate(exe.params.get(layer.name, ())):
                values = torch.randn(tensor.shape, generator=generator)
                if layer.type == "BatchNorm":
                    values = (values * 0.1, values.abs() + 0.5, torch.ones(1))[index]
                elif layer.type in ("Scale", "Normalize", "PReLU"):
                    values = (index == 0) + 0.1 * values
                else:
                    values *= (2 / (values.numel() / len(values))) ** 0.5 if index == 0 else 0.1
                tensor.copy_(values)


def judged(path: Path, folder: Path, shape: tuple[int, ...] | None = None) -> float:
    """Return the largest difference of the outputs, as a part of the largest value, at least 1."""
    net = netdef.load(path, shapes={"data": shape} if shape else None)
    exe = netdef.compile(net, device="cpu")
    draw_weights(exe)
    exe.save_weights(folder / "net.caffemodel")
    (name,) = net.inputs
    x = np.random.default_rng(0).standard_normal(net.blobs[name].shape, np.float32)
    with torch.no_grad():
        expected = {blob: value.numpy() for blob, value in exe({name: x}).items()}
    judge = cv2.dnn.readNetFromCaffe(str(path), str(folder / "net.caffemodel"))
    judge.setInput(x, name)
    # OpenCV names outputs after layers.
    makers = {blob: net.producers[net.blobs[blob]].name for blob in expected}
    found = dict(zip(expected, judge.forward(list(makers.values())), strict=True))
    worst = 0.0
    for blob, values in expected.items():
        assert found[blob].shape == values.shape
        gap = np.abs(found[blob] - values).max() / max(1.0, np.abs(values).max())
        worst = max(worst, float(gap))
    return worst


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """A convolution, and layers of other types on it."""
    path = tmp_path / "net.prototxt"
    shape = "input_param { shape { dim: 2 dim: 3 dim: 11 dim: 12 } }"
    data = f'layer {{ name: "data" type: "Input" top: "data" {shape} }}\n'
    path.write_text(data + CONV + LAYERS[name] + "\n")
    difference = judged(path, tmp_path)
    record_property("opencv", difference)
    assert difference <= BAR


def test_lenet(tmp_path: Path) -> None:
    """As it is in models."""
    assert judged(MODELS / "lenet" / "deploy.prototxt", tmp_path) <= BAR


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * long) for name, long in PUBLISHED.items()],
)
@pytest.mark.skipif(not NETS.is_dir(), reason="the published files are not ours to carry along")
def test_published_nets(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A batch of one; the siamese net is left out, whose shared weights OpenCV does not know."""
    path = NETS / f"{name}.prototxt"
    net = netdef.load(path)
    shape = net.blobs[net.inputs[0]].shape or ()
    difference = judged(path, tmp_path, (1, *shape[1:]))
    record_property("opencv", difference)
    assert difference <= BAR
