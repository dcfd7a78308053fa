"""AbsVal where the recorded numbers have no value: at 0, and at other sizes."""

import numpy as np
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("AbsVal")
    return netdef.compile(netdef.loads(text), device="cpu")


def test_nothing_flows_at_zero():
    x = torch.tensor([-2.0, -0.0, 0.0, 3.0], requires_grad=True)
    y = executable(shape=(4,))({"in0": x})["out0"]
    y.sum().backward()
    assert y.tolist() == [2.0, 0.0, 0.0, 3.0]
    assert x.grad is not None
    assert x.grad.tolist() == [-1.0, 0.0, 0.0, 1.0]


def test_the_input_is_left_alone_at_any_size():
    x = np.linspace(-1, 1, 5 * 2, dtype=np.float32).reshape(5, 2)
    before = x.copy()
    np.testing.assert_array_equal(executable()({"in0": x})["out0"].numpy(), np.abs(before))
    np.testing.assert_array_equal(x, before)


def test_gradients():
    x = torch.linspace(-2, 3, 12, dtype=torch.float64, requires_grad=True)
    exe = executable(shape=(12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)
