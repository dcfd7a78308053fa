"""Log in forms that are not recorded, and what it refuses."""

import math

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("Log")
    return netdef.compile(netdef.loads(text), device="cpu")


FORMS = [(-1, 2, 0), (-1, -1, 5), (0.5, 1, 0.25), (10, 1, 0), (3, 0, 4)]


@pytest.mark.parametrize(("base", "scale", "shift"), FORMS)
def test_by_definition(base, scale, shift):
    x = np.linspace(0.1, 4, 24).reshape(2, 3, 4).astype(np.float32)
    exe = executable(f"log_param {{ base: {base} scale: {scale} shift: {shift} }}")
    y = exe({"in0": x})["out0"].numpy()
    real = math.e if base == -1 else base
    expected = [math.log(shift + scale * float(v), real) for v in x.flat]
    np.testing.assert_allclose(y.ravel(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("base", "scale", "shift"), FORMS)
def test_gradients(base, scale, shift):
    x = torch.linspace(0.1, 4, 12, dtype=torch.float64, requires_grad=True)
    fields = f"log_param {{ base: {base} scale: {scale} shift: {shift} }}"
    exe = executable(fields, (12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)


def test_what_has_no_logarithm():
    y = executable(shape=(2,))({"in0": np.asarray([0, -1], np.float32)})["out0"]
    assert y[0] == -math.inf
    assert y[1].isnan()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("base: 0", "`base` must be above 0, or -1 for e, not 0"),
        ("base: -3", "`base` must be above 0, or -1 for e, not -3"),
        ("base: inf", "`base` must be above 0, or -1 for e, not inf"),
        ("base: 1", "there is no logarithm of `base` 1: its powers are all 1"),
        ("scale: 0", "with `scale` 0 this is the logarithm of `shift`, 0, everywhere"),
        ("scale: 0 shift: -2", "with `scale` 0 this is the logarithm of `shift`, -2, everywhere"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(NetdefError) as caught:
        executable(f"log_param {{ {fields} }}")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == message


def test_all_faults_are_said_at_once():
    with pytest.raises(NetdefError) as caught:
        executable("log_param { base: 1 scale: 0 }")
    assert len(caught.value.diagnostics) == 2
