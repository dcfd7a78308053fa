"""ELU at 0 and far below it."""

import math

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("ELU")
    return netdef.compile(netdef.loads(text), device="cpu")


@pytest.mark.parametrize("alpha", [1.0, 0.25, 0.0, -0.5])
def test_the_curved_part(alpha):
    x = torch.tensor([-100.0, -1e-4, 0.0, 1e-4, 100.0], requires_grad=True)
    y = executable(f"elu_param {{ alpha: {alpha} }}", (5,))({"in0": x})["out0"]
    y.sum().backward()
    expected = [-alpha, alpha * math.expm1(-1e-4), 0.0, 1e-4, 100.0]
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6)
    slopes = [0.0, alpha * math.exp(-1e-4), alpha, 1.0, 1.0]
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), slopes, rtol=1e-6, atol=1e-30)


def test_gradients():
    x = torch.linspace(-3, 2, 12, dtype=torch.float64, requires_grad=True)
    exe = executable("elu_param { alpha: 0.4 }", (12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)
