"""Parameter: its top is what is learned."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Parameter"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


def test_the_top_is_the_blob():
    exe = compiled("parameter_param { shape { dim: 2 dim: 3 } }")
    (weight,) = exe.params["example"]
    before = exe({})["out0"]
    assert before.tolist() == [[0.0] * 3] * 2
    with torch.no_grad():
        weight.fill_(2.0)
    assert exe({})["out0"].tolist() == [[2.0] * 3] * 2
    assert not before.any()  # what was computed does not change


def test_it_gets_the_gradient_of_its_top():
    exe = compiled("parameter_param { shape { dim: 4 } }").double()
    (weight,) = exe.params["example"]
    factor = torch.randn(4, dtype=torch.float64)
    (exe({})["out0"] * factor).sum().backward()
    assert weight.grad is not None
    assert torch.equal(weight.grad, factor)


def test_it_is_learned():
    text = """
        layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 } } }
        layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 2 } } }
        layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "t" top: "loss" }
    """
    exe = netdef.compile(netdef.loads(text, phase="TRAIN"), device="cpu")
    (weight,) = exe.params["p"]
    optimiser = torch.optim.SGD([weight], lr=0.5)
    for _ in range(40):
        optimiser.zero_grad()
        exe.loss({"t": np.array([3.0, -1.0], np.float32)}).backward()
        optimiser.step()
    np.testing.assert_allclose(weight.detach().numpy(), [3.0, -1.0], atol=1e-3)


def test_its_shape_does_not_depend_on_the_batch():
    text = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 3 } } }
        layer { name: "y" type: "Bias" bottom: "x" bottom: "p" top: "y" }
    """
    exe = netdef.compile(netdef.loads(text), device="cpu")
    assert exe({"x": np.ones((7, 3), np.float32)})["y"].shape == (7, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("missing-field", "Parameter needs `shape`")]),
        (
            "parameter_param { shape { dim: 0 dim: 2 dim: -1 } }",
            [
                ("bad-value", "a size must be at least 1, not 0"),
                ("bad-value", "a size must be at least 1, not -1"),
            ],
        ),
    ],
)
def test_what_is_refused(text, expected):
    assert faults(text) == expected
