"""Exp in forms that are not recorded, and what it refuses."""

import math

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("Exp")
    return netdef.compile(netdef.loads(text), device="cpu")


FORMS = [(-1, 2, 0), (-1, -0.5, 1.5), (0.5, 1, 0), (1, 3, 4), (10, 0.1, -2), (2, 0, 3)]


@pytest.mark.parametrize(("base", "scale", "shift"), FORMS)
def test_by_definition(base, scale, shift):
    x = np.linspace(-2, 2, 24).reshape(2, 3, 4).astype(np.float32)
    exe = executable(f"exp_param {{ base: {base} scale: {scale} shift: {shift} }}")
    y = exe({"in0": x})["out0"].numpy()
    real = math.e if base == -1 else base
    expected = [real ** (shift + scale * float(v)) for v in x.flat]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5)


@pytest.mark.parametrize(("base", "scale", "shift"), FORMS)
def test_gradients(base, scale, shift):
    x = torch.linspace(-2, 2, 12, dtype=torch.float64, requires_grad=True)
    fields = f"exp_param {{ base: {base} scale: {scale} shift: {shift} }}"
    exe = executable(fields, (12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)


def test_a_large_shift_does_not_overflow_on_its_own():
    y = executable("exp_param { shift: 100 }", (1,))({"in0": np.asarray([-100], np.float32)})[
        "out0"
    ]
    assert y.item() == 1.0


@pytest.mark.parametrize("base", ["0", "-2", "inf", "nan"])
def test_a_base_that_is_none_is_refused(base):
    with pytest.raises(NetdefError) as caught:
        executable(f"exp_param {{ base: {base} }}")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == f"`base` must be above 0, or -1 for e, not {base}"
