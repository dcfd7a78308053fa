import shutil

import pytest

from netdef.passes.pipeline import Request, load_net
from netdef.source import SourceFile


@pytest.fixture
def load():
    """Load a net from its text."""

    def load_text(text, phase="TEST"):
        return load_net(SourceFile("net.prototxt", text), phase, Request())

    return load_text


@pytest.fixture
def small(load):
    """A net with a stack, two readers of one blob, a loss, and a type that nobody knows."""
    return load("""
        name: "small"
        layer { name: "data" type: "Input" top: "data" top: "label"
                input_param { shape { dim: 4 dim: 3 dim: 8 dim: 8 } shape { dim: 4 } } }
        layer { name: "conv/3x3" type: "Convolution" bottom: "data" top: "conv"
                convolution_param { num_output: 6 kernel_size: 3 pad: 1 stride: 2 } }
        layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
        layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" }
        layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
        layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
                inner_product_param { num_output: 10 } }
        layer { name: "odd" type: "WarpedPerspective" bottom: "conv" top: "odd" }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
    """)


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """A machine without the program `dot`."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture(params=["dot", "wasm"])
def engine(request, monkeypatch, tmp_path):
    """Each way to lay a graph out, one after the other."""
    if request.param == "wasm":
        monkeypatch.setenv("PATH", str(tmp_path))
    elif shutil.which("dot") is None:
        pytest.skip("the program dot is not installed")
