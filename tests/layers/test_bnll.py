"""BNLL at the ends of what a float holds."""

import math

import numpy as np
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("BNLL")
    return netdef.compile(netdef.loads(text), device="cpu")


def test_the_ends_neither_overflow_nor_vanish():
    x = torch.tensor([-1000.0, -50.0, 0.0, 50.0, 1000.0], requires_grad=True)
    y = executable(shape=(5,))({"in0": x})["out0"]
    y.sum().backward()
    expected = [0.0, math.exp(-50), math.log(2), 50.0, 1000.0]
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), [0.0, math.exp(-50), 0.5, 1.0, 1.0], rtol=1e-6)


def test_gradients():
    x = torch.linspace(-30, 15, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(shape=(12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)
