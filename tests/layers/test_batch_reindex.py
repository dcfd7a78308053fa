"""BatchReindex: gradients, and numbers that are no item's."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("BatchReindex"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


def test_items_are_gathered_and_their_gradients_added():
    exe = compiled("", (4, 2, 3), (5,)).double()
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    items = torch.tensor([3.0, 0.0, 3.0, 1.0, 3.0])
    y = exe({"in0": x, "in1": items})["out0"]
    assert torch.equal(y, x[[3, 0, 3, 1, 3]])
    weight = torch.randn(y.shape, dtype=torch.float64)
    (y * weight).sum().backward()
    expected = torch.zeros_like(x)
    for row, item in enumerate([3, 0, 3, 1, 3]):
        expected[item] += weight[row]
    assert x.grad is not None
    torch.testing.assert_close(x.grad, expected)
    assert not x.grad[2].any()  # never taken


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 2, 3, 2)])
def test_gradients(shape):
    exe = compiled("", shape, (3,)).double()
    items = torch.tensor([1.0, 1.0, 3.0], dtype=torch.float64)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: exe({"in0": v, "in1": items})["out0"], x)


@pytest.mark.parametrize("wrong", [4.0, -1.0, float("nan"), 1e9])
def test_a_number_that_is_no_items_is_an_error(wrong):
    exe = compiled("", (4, 3), (2,))
    feed = {"in0": np.ones((4, 3), np.float32), "in1": np.array([0.0, wrong], np.float32)}
    with pytest.raises(NetdefError) as caught:
        exe(feed)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.rule == "bad-index"


@pytest.mark.parametrize("shape", [(2, 1), ()])
def test_the_numbers_have_one_axis(shape):
    ((rule, message),) = faults("", (4, 3), shape)
    assert rule == "shape-mismatch"
    assert "have one axis" in message


def test_items_need_an_axis():
    ((_, message),) = faults("", (), (2,))
    assert "an axis of items" in message
