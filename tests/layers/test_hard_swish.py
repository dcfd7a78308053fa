"""HardSwish against its definition, under both names."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("HardSwish")
    return netdef.compile(netdef.loads(text), device="cpu")


@pytest.mark.parametrize("name", ["HardSwish", "HSwish"])
def test_by_definition(name):
    x = np.linspace(-5, 5, 24).reshape(2, 3, 4).astype(np.float32)
    text = Example("", [x.shape], [x.shape]).prototxt(name)
    y = netdef.compile(netdef.loads(text), device="cpu")({"in0": x})["out0"].numpy()
    expected = [v * min(max(v + 3, 0), 6) / 6 for v in map(float, x.flat)]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5, atol=1e-6)


def test_gradients():
    x = torch.linspace(-5, 5, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(shape=(12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)


def test_how_far_the_other_form_is_away():
    """What the documentation says of the collection that has the slope 0.2."""
    x = np.linspace(-5, 5, 10_001).astype(np.float32)
    y = executable(shape=(2,))({"in0": x})["out0"].numpy()
    distance = np.abs(y - x * np.clip(0.2 * x + 0.5, 0, 1))
    assert 0.205 < distance.max() < 0.215
    assert abs(abs(x[distance.argmax()]) - 2.5) < 0.01
