"""Height and width that are left open."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import netdef
from netdef.onnx_backend.export import Export
from netdef.source import NetdefError
from netdef.torch_backend.executable import Executable

HEAD = """layer { name: "x" type: "Input" top: "x"
  input_param { shape { dim: 2 dim: 3 dim: 12 dim: 16 } } }"""
CONV = """
layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
"""
POOL = 'layer { name: "pool" type: "Pooling" bottom: "c" top: "p" pooling_param { %s } }'
POOLINGS = [
    "kernel_size: 3 stride: 2",
    "kernel_size: 2 stride: 2",
    "kernel_size: 3 stride: 2 pad: 1",
    "pool: AVE kernel_size: 3 stride: 2",
    "pool: AVE kernel_size: 3 stride: 2 pad: 1",
    "kernel_size: 3 stride: 2 round_mode: FLOOR",
    "pool: AVE kernel_size: 3 stride: 1",
]


def export(text: str, path: Path) -> tuple[Export, Executable]:
    net = netdef.loads(text, name="net.prototxt")
    exe = netdef.compile(net, device="cpu")
    return netdef.export_onnx(net, path, executable=exe, dynamic_size=True), exe


def agree(path: Path, exe: Executable, name: str, sizes: list[tuple[int, int]]) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch, (rows, columns) in enumerate(sizes, 1):
        x = np.random.default_rng(rows).standard_normal((batch, 3, rows, columns), np.float32)
        expected = exe.run({"x": x}, [name])[name].detach().numpy()
        np.testing.assert_allclose(session.run([name], {"x": x})[0], expected, atol=1e-5)


@pytest.mark.parametrize("pool", POOLINGS)
def test_pooling_of_every_size(tmp_path: Path, pool: str) -> None:
    """Sizes of every remainder, also those that nobody tried in the export."""
    path = tmp_path / "net.onnx"
    result, exe = export(HEAD + CONV + POOL % pool, path)
    assert result.inputs == {"x": ("N", 3, "H", "W")}
    assert result.outputs["p"][:2] == ("N", 4)
    assert len(result.comparison.shapes) == 4
    sizes = [(rows, columns) for rows in range(5, 11) for columns in (7, 8)]
    agree(path, exe, "p", sizes)


def test_crop_and_deconvolution(tmp_path: Path) -> None:
    """A fully convolutional net for segmentation: the output has the size of the image."""
    text = (
        HEAD
        + CONV
        + POOL % "kernel_size: 2 stride: 2"
        + """
layer { name: "up" type: "Deconvolution" bottom: "p" top: "up"
  convolution_param { num_output: 4 kernel_size: 4 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "crop" type: "Crop" bottom: "up" bottom: "x" top: "out"
  crop_param { axis: 2 offset: 1 } }
"""
    )
    path = tmp_path / "net.onnx"
    result, exe = export(text, path)
    assert result.outputs == {"out": ("N", 4, "H", "W")}
    agree(path, exe, "out", [(7, 9), (8, 8), (21, 14)])


def test_only_on_request(tmp_path: Path) -> None:
    result = netdef.export_onnx(netdef.loads(HEAD + CONV), tmp_path / "net.onnx")
    assert result.inputs == {"x": ("N", 3, 12, 16)}


def warning_of(text: str, tmp_path: Path) -> str:
    result, _ = export(text, tmp_path / "net.onnx")
    assert "H" not in result.inputs["x"]
    (found,) = [w for w in result.warnings if w.rule == "fixed-size"]
    return str(NetdefError([found]))


def test_weights_that_depend_on_the_size(tmp_path: Path) -> None:
    """The layer is shown."""
    text = (
        HEAD
        + "\n"
        + 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"'
        + (" inner_product_param { num_output: 2 } }")
    )
    said = warning_of(text, tmp_path)
    assert said.startswith("net.prototxt:3:")
    assert "layer `ip` would need other weights" in said


def test_a_few_pixels_are_not_enough(tmp_path: Path) -> None:
    """Here 13 x 17 makes the same two cells of 12 x 16, so that the weights would fit."""
    stride = CONV.replace("kernel_size: 3 pad: 1", "kernel_size: 4 stride: 8")
    text = (
        HEAD
        + stride
        + 'layer { name: "ip" type: "InnerProduct" bottom: "c" top: "y"'
        + (" inner_product_param { num_output: 2 } }")
    )
    assert "24 x 32, layer `ip` would need other weights" in warning_of(text, tmp_path)


def test_a_graph_that_holds_the_size(tmp_path: Path) -> None:
    """Prior boxes are constants; a pooling whose last window lies outside has its padding."""
    prior = (
        HEAD
        + CONV
        + """
layer { name: "prior" type: "PriorBox" bottom: "c" bottom: "x" top: "boxes"
  prior_box_param { min_size: 3 } }
"""
    )
    assert "layer `prior` depends on the size of its input" in warning_of(prior, tmp_path)
    jumping = HEAD + CONV + POOL % "kernel_size: 1 stride: 3"
    assert "layer `pool` depends on the size of its input" in warning_of(jumping, tmp_path)


def test_no_image(tmp_path: Path) -> None:
    text = HEAD.replace("dim: 12 dim: 16", "") + CONV.replace("pad: 1", "").split("layer")[0]
    text += 'layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }'
    assert "no input is a batch of images" in warning_of(text, tmp_path)
