"""HardSigmoid and HSigmoid against their definitions."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("HardSigmoid")
    return netdef.compile(netdef.loads(text), device="cpu")


@pytest.mark.parametrize(("name", "slope"), [("HardSigmoid", 0.2), ("HSigmoid", 1 / 6)])
def test_by_definition(name, slope):
    x = np.linspace(-5, 5, 24).reshape(2, 3, 4).astype(np.float32)
    text = Example("", [x.shape], [x.shape]).prototxt(name)
    y = netdef.compile(netdef.loads(text), device="cpu")({"in0": x})["out0"].numpy()
    expected = [min(max(slope * v + 0.5, 0), 1) for v in map(float, x.flat)]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5, atol=1e-6)


def test_gradients():
    x = torch.linspace(-5, 5, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(shape=(12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)


def test_nothing_flows_from_the_ends_on():
    x = torch.tensor([-3.0, -2.5, 0.0, 2.5, 3.0], dtype=torch.float64, requires_grad=True)
    executable(shape=(5,)).double()({"in0": x})["out0"].sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0, 0.2, 0.0, 0.0]
