"""Permute against numpy, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Permute"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


@pytest.mark.parametrize(
    ("order", "full"),
    [([3, 0], (3, 0, 1, 2)), ([2, 3, 1, 0], (2, 3, 1, 0)), ([1], (1, 0, 2, 3)), ([], (0, 1, 2, 3))],
)
def test_axes_that_are_left_out_follow(order, full):
    fields = " ".join(f"order: {axis}" for axis in order)
    exe = compiled(f"permute_param {{ {fields} }}", (2, 3, 4, 5)).double()
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    y = exe({"in0": x})["out0"]
    np.testing.assert_array_equal(y.detach().numpy(), np.transpose(x.detach().numpy(), full))
    assert torch.autograd.gradcheck(lambda v: exe({"in0": v})["out0"], x)


def test_every_wrong_axis_is_reported():
    assert faults("permute_param { order: 1 order: 3 order: 1 }", (2, 3, 4)) == [
        ("bad-value", "`order` names axis 3, but the input has 3 axes"),
        ("bad-value", "`order` names axis 1 twice"),
    ]
