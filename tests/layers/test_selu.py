"""SELU against its definition, under its three names."""

import math

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("SELU")
    return netdef.compile(netdef.loads(text), device="cpu")


LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772


@pytest.mark.parametrize("name", ["SELU", "SeLU", "SeLu"])
def test_by_definition(name):
    x = np.linspace(-5, 5, 24).reshape(2, 3, 4).astype(np.float32)
    text = Example("", [x.shape], [x.shape]).prototxt(name)
    y = netdef.compile(netdef.loads(text), device="cpu")({"in0": x})["out0"].numpy()
    expected = [LAMBDA * (v if v > 0 else ALPHA * math.expm1(v)) for v in map(float, x.flat)]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5)


def test_mean_and_variance_stay():
    x = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    y = executable(shape=(2,))({"in0": x})["out0"]
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.02


def test_gradients():
    x = torch.linspace(-5, 5, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(shape=(12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)
    zero = torch.zeros(1, requires_grad=True)
    executable(shape=(1,))({"in0": zero})["out0"].backward()
    assert zero.grad is not None
    np.testing.assert_allclose(zero.grad.item(), LAMBDA * ALPHA, rtol=1e-6)
