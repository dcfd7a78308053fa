"""Mish against its definition."""

import math

import numpy as np
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("Mish")
    return netdef.compile(netdef.loads(text), device="cpu")


def test_by_definition():
    x = np.linspace(-8, 8, 24).reshape(2, 3, 4).astype(np.float32)
    y = executable()({"in0": x})["out0"].numpy()
    expected = [v * math.tanh(math.log1p(math.exp(v))) for v in map(float, x.flat)]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5, atol=1e-6)


def test_gradients():
    x = torch.linspace(-8, 8, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(shape=(12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)


def test_the_ends_and_the_dip():
    x = torch.tensor([-1000.0, 1000.0], requires_grad=True)
    y = executable(shape=(2,))({"in0": x})["out0"]
    y.sum().backward()
    assert y.tolist() == [0.0, 1000.0]
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0]
    x = np.linspace(-5, 5, 10_001).astype(np.float32)
    y = executable(shape=(2,))({"in0": x})["out0"].numpy()
    assert abs(y.min() + 0.31) < 0.005
    assert abs(x[y.argmin()] + 1.19) < 0.005
