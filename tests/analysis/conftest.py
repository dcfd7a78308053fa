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
    """A net of every kind of figure: all numbers in the tests are worked out by hand from this."""
    return load("""
        name: "small"
        layer { name: "data" type: "Input" top: "data"
                input_param { shape { dim: 4 dim: 3 dim: 8 dim: 8 } } }
        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
                convolution_param { num_output: 6 kernel_size: 3 pad: 1 } }
        layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
        layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" }
        layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
        layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
                param { lr_mult: 0 } param { lr_mult: 1 }
                inner_product_param { num_output: 10 } }
    """)
