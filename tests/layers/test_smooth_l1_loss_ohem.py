"""SmoothL1LossOHEM against its definition: divisors, the second top, the loss weight."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def loaded(fields, *shapes, tops=1):
    text = Example(fields, ins=shapes, outs=[()] * tops).prototxt("SmoothL1LossOHEM")
    return netdef.loads(text)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("fields", "divisor"),
    [
        ("", 2 * 3 * 4),
        ("normalization: FULL", 2 * 3 * 4),
        ("normalization: BATCH_SIZE", 2),
        ("normalize: false", 2),
        ("normalization: NONE", 1),
        ("normalization: PRE_FIXED pre_fixed_normalizer: 128", 128),
    ],
)
def test_as_defined(fields, divisor, weighted):
    shape = (2, 5, 3, 4)
    rng = np.random.default_rng(0)
    a, b, w = rng.standard_normal((3, *shape)) * 2
    net = loaded(f"loss_param {{ {fields} }}", *[shape] * (2 + weighted), tops=2)
    exe = netdef.compile(net, device="cpu").double()
    feed = {"in0": torch.tensor(a, requires_grad=True), "in1": b, "in2": w}
    blobs = exe.run({name: feed[name] for name in net.inputs}, ["out0", "out1"])
    x = (w if weighted else 1) * (a - b)
    errors = np.where(abs(x) < 1, 0.5 * x**2, abs(x) - 0.5)
    np.testing.assert_allclose(blobs["out0"].item(), errors.sum() / divisor, rtol=1e-12)
    np.testing.assert_allclose(blobs["out1"], errors.sum(1, keepdims=True), rtol=1e-12)
    assert not blobs["out1"].requires_grad
    blobs["out0"].backward()
    np.testing.assert_allclose(feed["in0"].grad, np.clip(x, -1, 1) / divisor, rtol=1e-12)


def test_gradient_by_differences():
    exe = netdef.compile(loaded("loss_weight: 1", (3, 4), (3, 4)), device="cpu").double()
    torch.manual_seed(0)
    a, b = 2 * torch.randn(2, 3, 4, dtype=torch.float64)
    run = lambda a, b: exe.loss({"in0": a, "in1": b})  # noqa: E731
    assert torch.autograd.gradcheck(run, (a.requires_grad_(), b.requires_grad_()))


def test_it_is_a_loss_only_where_the_file_says_so():
    assert loaded("", (3, 4), (3, 4)).layers[-1].loss_weights == (0,)
    assert loaded("loss_weight: 1", (3, 4), (3, 4)).layers[-1].loss_weights == (1,)


def test_sigma_has_no_effect():
    net = loaded("smooth_l1_loss_param { sigma: 3 }", (3, 4), (3, 4))
    assert [(d.rule, d.message) for d in net.diagnostics] == [
        ("ignored-field", "`sigma` has no effect in this SmoothL1LossOHEM")
    ]


def test_faults():
    with pytest.raises(NetdefError) as caught:
        loaded("", (3, 4), (3, 5), (3, 4, 2))
    assert [(d.rule, d.message) for d in caught.value.diagnostics] == [
        ("shape-mismatch", "the shape (3, 5) differs from (3, 4), that of `in0`"),
        ("shape-mismatch", "the shape (3, 4, 2) differs from (3, 4), that of `in0`"),
    ]
    with pytest.raises(NetdefError, match=r"takes \(N, C, H, W\), not 5 axes"):
        loaded("", (3, 4, 1, 1, 1), (3, 4))
