"""Swish with settings that are not recorded."""

import math

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("Swish")
    return netdef.compile(netdef.loads(text), device="cpu")


@pytest.mark.parametrize("beta", [0, -1.5, 1, 30])
def test_by_definition(beta):
    x = np.linspace(-5, 5, 24).reshape(2, 3, 4).astype(np.float32)
    y = executable(f"swish_param {{ beta: {beta} }}")({"in0": x})["out0"].numpy()
    expected = [float(v) / (1 + math.exp(-beta * float(v))) for v in x.flat]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("beta", [0, -1.5, 1, 2.5])
def test_gradients(beta):
    x = torch.linspace(-5, 5, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(f"swish_param {{ beta: {beta} }}", (12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)
