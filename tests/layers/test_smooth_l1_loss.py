"""SmoothL1Loss: both forks' forms, how they are told apart, and their faults."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def loaded(fields, *shapes):
    return netdef.loads(Example(fields, ins=shapes, outs=[()]).prototxt("SmoothL1Loss"))


def faults(fields, *shapes):
    with pytest.raises(NetdefError) as caught:
        loaded(fields, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics]


def f(x, sigma=1.0):
    """The distance of one number."""
    return 0.5 * (sigma * x) ** 2 if abs(x) < sigma**-2 else abs(x) - 0.5 * sigma**-2


@pytest.mark.parametrize("sigma", [1, 3, 0.4])
@pytest.mark.parametrize("weighted", [False, True])
def test_fast_r_cnns_form(sigma, weighted):
    rng = np.random.default_rng(0)
    a, b, inside, outside = rng.standard_normal((4, 3, 2, 2, 2))
    if not weighted:
        inside, outside = np.ones((2, 3, 2, 2, 2))
    shapes = [a.shape] * (4 if weighted else 2)
    fields = f"smooth_l1_loss_param {{ sigma: {sigma} }} loss_weight: 2"
    exe = netdef.compile(loaded(fields, *shapes), device="cpu").double()
    values = dict(zip(("in0", "in1", "in2", "in3"), (a, b, inside, outside), strict=True))
    feed = {name: torch.tensor(values[name], requires_grad=True) for name in exe.net.inputs}
    loss = exe.loss(feed)
    sigma = float(np.float32(sigma))
    costs = [w * f(x, sigma) for w, x in zip(outside.flat, (inside * (a - b)).flat, strict=True)]
    np.testing.assert_allclose(loss.item(), 2 * sum(costs) / 3, rtol=1e-10)
    loss.backward()
    assert torch.equal(feed["in0"].grad, -feed["in1"].grad)
    run = lambda x: exe.loss({**feed, "in0": x})  # noqa: E731
    assert torch.autograd.gradcheck(run, feed["in0"])


def test_ssds_form_leaves_the_weight_out_of_the_gradient():
    rng = np.random.default_rng(1)
    a, b, w = rng.standard_normal((3, 4, 5))
    exe = netdef.compile(loaded("", (4, 5), (4, 5), (4, 5)), device="cpu").double()
    x = torch.tensor(a, requires_grad=True)
    loss = exe.loss({"in0": x, "in1": b, "in2": w})
    loss.backward()
    np.testing.assert_allclose(loss.item(), sum(map(f, (w * (a - b)).flat)) / 4, rtol=1e-12)
    np.testing.assert_allclose(x.grad, np.clip(w * (a - b), -1, 1) / 4, rtol=1e-12)


@pytest.mark.parametrize(
    ("fields", "bottoms", "weight"),
    [
        ("", 2, 1),
        ("", 3, 1),
        ("", 4, 0),
        ("smooth_l1_loss_param { }", 2, 0),
        ("smooth_l1_loss_param { sigma: 3 } loss_weight: 0.5", 2, 0.5),
        ("loss_weight: 1", 4, 1),
        ("loss_weight: 0", 2, 0),
    ],
)
def test_the_forks_differ_in_the_loss_weight_that_is_not_given(fields, bottoms, weight):
    net = loaded(fields, *[(3, 4)] * bottoms)
    assert net.layers[-1].loss_weights == (weight,)


def test_the_square_ends_at_one_over_sigma_squared():
    exe = netdef.compile(loaded("smooth_l1_loss_param { sigma: 2 }", (1, 2), (1, 2)), device="cpu")
    loss = exe({"in0": np.array([[0.2, 0.3]]), "in1": np.zeros((1, 2))})["out0"]
    np.testing.assert_allclose(loss.item(), 0.5 * 0.4**2 + 0.3 - 0.125, rtol=1e-6)


def test_faults():
    box = (3, 4)
    assert faults("smooth_l1_loss_param { sigma: 0 }", box, (4, 3), box, (3, 4, 2)) == [
        ("shape-mismatch", "the shape (4, 3) differs from (3, 4), that of `in0`"),
        ("shape-mismatch", "the shape (3, 4, 2) differs from (3, 4), that of `in0`"),
        ("bad-value", "`sigma` must be above 0, not 0"),
    ]
    assert faults("smooth_l1_loss_param { sigma: 3 }", box, box, box) == [
        (
            "bottom-count",
            "Fast R-CNN's form, which `smooth_l1_loss_param` tells, takes two weights",
        )
    ]
    assert faults("", (), ()) == [("shape-mismatch", "an axis for the batch is needed")]
