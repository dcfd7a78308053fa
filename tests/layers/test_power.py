"""Power in forms that are not recorded, and what it refuses."""

import math

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("Power")
    return netdef.compile(netdef.loads(text), device="cpu")


FORMS = [(2, 1, 0), (2, -3, 0.5), (3, 0.5, 0), (-1, 1, 3), (0.5, 2, 9), (-2.5, 1, 4), (1, 1, 2)]


@pytest.mark.parametrize(("power", "scale", "shift"), FORMS)
def test_by_definition(power, scale, shift):
    x = np.linspace(-2, 2, 24).reshape(2, 3, 4).astype(np.float32)
    exe = executable(f"power_param {{ power: {power} scale: {scale} shift: {shift} }}")
    y = exe({"in0": x})["out0"].numpy()
    expected = [(shift + scale * float(v)) ** power for v in x.flat]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("power", "scale", "shift"), [*FORMS, (0, 2, 1), (3, 0, -2)])
def test_gradients(power, scale, shift):
    x = torch.linspace(-2, 2, 12, dtype=torch.float64, requires_grad=True)
    fields = f"power_param {{ power: {power} scale: {scale} shift: {shift} }}"
    exe = executable(fields, (12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ("power: 0", 1.0),
        ("power: 0 scale: 0", 1.0),
        ("scale: 0", 0.0),
        ("scale: 0 shift: 3", 3.0),
        ("scale: 0 shift: -2 power: 3", -8.0),
    ],
)
def test_a_constant_is_one_whatever_comes_in(fields, value):
    x = torch.tensor([0.0, -1.0, math.inf, math.nan], requires_grad=True)
    y = executable(f"power_param {{ {fields} }}", (4,))({"in0": x})["out0"]
    y.sum().backward()
    assert y.tolist() == [value] * 4
    assert x.grad is not None
    assert x.grad.tolist() == [0.0] * 4


def test_a_whole_power_of_zero_has_a_gradient():
    x = torch.zeros(1, requires_grad=True)
    executable("power_param { power: 3 }", (1,))({"in0": x})["out0"].backward()
    assert x.grad is not None
    assert x.grad.item() == 0.0


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ("scale: 0 shift: -2 power: 0.5", "-2 ^ 0.5"),
        ("scale: 0 power: -1", "0 ^ -1"),
        ("scale: 0 shift: 10 power: 39", "10 ^ 39"),
        ("scale: 0 shift: 10 power: 1e6", "10 ^ 1e+06"),
    ],
)
def test_a_constant_that_is_no_number_is_refused(fields, value):
    with pytest.raises(NetdefError) as caught:
        executable(f"power_param {{ {fields} }}")
    (diagnostic,) = caught.value.diagnostics
    assert f"the top is {value} everywhere, which no float holds" in diagnostic.message
    assert diagnostic.labels[0].message == "`scale` is given here"
