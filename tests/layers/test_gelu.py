"""GELU against its definition."""

import math

import numpy as np
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("GELU")
    return netdef.compile(netdef.loads(text), device="cpu")


def test_by_definition():
    x = np.linspace(-5, 5, 24).reshape(2, 3, 4).astype(np.float32)
    y = executable()({"in0": x})["out0"].numpy()
    expected = [v / 2 * (1 + math.erf(v / math.sqrt(2))) for v in map(float, x.flat)]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5, atol=1e-6)


def test_gradients():
    x = torch.linspace(-5, 5, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(shape=(12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)


def test_how_far_the_approximation_is_away():
    """What the documentation says of the fork that computes it."""
    x = np.linspace(-5, 5, 10_001).astype(np.float32)
    y = executable(shape=(2,))({"in0": x})["out0"].numpy()
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    distance = np.abs(y - x / 2 * (1 + np.tanh(inner))).max()
    assert 0.0004 < distance < 0.0005
