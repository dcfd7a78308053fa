"""ReLU6 against its definition: with and without a slope, by either message."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("ReLU6")
    return netdef.compile(netdef.loads(text), device="cpu")


FORMS = [
    ("", 0.0),
    ("relu6_param { negative_slope: 0.1 }", 0.1),
    ("relu_param { negative_slope: 0.1 }", 0.1),
    ("relu_param { negative_slope: -2 }", -2.0),  # below -3 the top is above 6
    ("relu_param { }", 0.0),
]


@pytest.mark.parametrize(("fields", "slope"), FORMS)
def test_by_definition(fields, slope):
    x = np.linspace(-9, 9, 24).reshape(2, 3, 4).astype(np.float32)
    y = executable(fields)({"in0": x})["out0"].numpy()
    expected = [min(max(v, 0), 6) + slope * min(v, 0) for v in map(float, x.flat)]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("fields", "slope"), FORMS)
def test_gradients(fields, slope):
    x = torch.linspace(-9, 9, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(fields, (12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)
    corners = torch.tensor([0.0, 6.0], dtype=torch.float64, requires_grad=True)
    exe({"in0": corners})["out0"].sum().backward()
    assert corners.grad is not None
    np.testing.assert_allclose(corners.grad.numpy(), [slope, 0.0], rtol=1e-6)


def test_two_messages_are_one_too_many():
    with pytest.raises(NetdefError) as caught:
        executable("relu6_param { } relu_param { negative_slope: 0.1 }")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == "give `relu6_param` or `relu_param`, not both"
    assert [label.message for label in diagnostic.labels] == ["`negative_slope` is given here"]
