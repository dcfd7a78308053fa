"""Axpy: ranks, gradients, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Axpy"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


CASES = [
    ((2, 3, 1, 1), (2, 3, 4, 5)),
    ((2, 3), (2, 3, 4, 5)),
    ((2, 3, 1), (2, 3, 2, 2, 2)),
    ((2, 3, 1, 1), (2, 3)),
]


@pytest.mark.parametrize(("factors", "shape"), CASES)
def test_every_channel_has_its_factor(factors, shape):
    exe = compiled("", factors, shape, shape).double()
    a, x, y = (
        torch.randn(s, dtype=torch.float64, requires_grad=True) for s in (factors, shape, shape)
    )
    top = exe({"in0": a, "in1": x, "in2": y})["out0"].detach().numpy()
    for item, channel in np.ndindex(2, 3):
        factor = float(a.detach().reshape(2, 3)[item, channel])
        expected = factor * x[item, channel].detach().numpy() + y[item, channel].detach().numpy()
        np.testing.assert_allclose(top[item, channel], expected, rtol=1e-12)

    def run(*bottoms):
        return exe({f"in{i}": bottom for i, bottom in enumerate(bottoms)})["out0"]

    assert torch.autograd.gradcheck(run, (a, x, y))


@pytest.mark.parametrize(
    ("shapes", "part"),
    [
        ([(2, 4), (2, 3, 4), (2, 3, 4)], "needs the factors (2, 3)"),
        ([(2, 3, 4), (2, 3, 4), (2, 3, 4)], "needs the factors (2, 3)"),
        ([(2,), (2, 3, 4), (2, 3, 4)], "needs the factors (2, 3)"),
        ([(2, 3), (2, 3, 4), (2, 3, 5)], "`in2` has the shape (2, 3, 5)"),
        ([(2,), (2,), (2,)], "needs channels"),
    ],
)
def test_what_does_not_fit_is_refused(shapes, part):
    ((rule, message),) = faults("", *shapes)
    assert rule == "shape-mismatch"
    assert part in message
