"""FocalLoss against its definition, where easy and hopeless positions end, and its faults."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def loaded(fields, *shapes, tops=1):
    return netdef.loads(Example(fields, ins=shapes, outs=[()] * tops).prototxt("FocalLoss"))


def compiled(fields, *shapes, tops=1):
    return netdef.compile(loaded(fields, *shapes, tops=tops), device="cpu")


def faults(fields, *shapes):
    with pytest.raises(NetdefError) as caught:
        loaded(fields, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics]


def by_definition(x, labels, alpha, gamma, ignore):
    """The sum of what the positions cost, and how many count; classes are on axis 1."""
    rows = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])
    total, valid = 0.0, 0
    for row, label in zip(rows, labels.reshape(-1).astype(int), strict=True):
        if label != ignore:
            p = np.exp(row[label] - row.max()) / np.exp(row - row.max()).sum()
            total -= alpha * (1 - p) ** gamma * np.log(p)
            valid += 1
    return total, valid


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2), (1, 0), (2, 0.5), (0.5, 5)])
def test_as_defined(alpha, gamma):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 4, 2, 5)) * 2
    labels = rng.integers(0, 4, (3, 2, 5))
    given = "" if (alpha, gamma) == (0.25, 2) else f"alpha: {alpha} gamma: {gamma}"
    fields = f"focal_loss_param {{ {given} }} loss_param {{ ignore_label: 2 }}"
    exe = compiled(fields, x.shape, labels.shape).double()
    total, valid = by_definition(x, labels, alpha, gamma, 2)
    loss = exe.loss({"in0": x, "in1": labels})
    np.testing.assert_allclose(loss.item(), total / valid, rtol=1e-10)


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2])
def test_gradient(gamma):
    fields = f"focal_loss_param {{ gamma: {gamma} }} loss_param {{ ignore_label: 1 }}"
    exe = compiled(fields, (3, 4, 2), (3, 2)).double()
    torch.manual_seed(0)
    x = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 4, (3, 2)).double()
    assert torch.autograd.gradcheck(lambda x: exe.loss({"in0": x, "in1": labels}), x)


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_what_is_certain_costs_nothing_and_what_is_hopeless_still_pulls(gamma):
    fields = f"focal_loss_param {{ gamma: {gamma} alpha: 1 }} loss_param {{ normalization: NONE }}"
    x = torch.tensor([[200.0, 0.0], [200.0, 0.0]], requires_grad=True)
    loss = compiled(fields, (2, 2), (2,)).loss({"in0": x, "in1": np.array([0, 1])})
    loss.backward()
    np.testing.assert_allclose(loss.item(), -np.log(np.finfo(np.float32).tiny), rtol=1e-6)
    np.testing.assert_allclose(x.grad, [[0, 0], [1, -1]], atol=1e-6)


def test_without_focus_it_is_softmax_with_loss():
    x = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
    fields = "focal_loss_param { gamma: 0 alpha: 1 }"
    blobs = compiled(fields, (4, 3), (4,), tops=2).run({"in0": x, "in1": [0, 1, 2, 1]})
    text = Example(ins=[(4, 3), (4,)], outs=[()]).prototxt("SoftmaxWithLoss")
    other = netdef.compile(netdef.loads(text), device="cpu").loss({"in0": x, "in1": [0, 1, 2, 1]})
    np.testing.assert_allclose(blobs["out0"].item(), other.item(), rtol=1e-6)
    np.testing.assert_allclose(blobs["out1"].sum(1), np.ones(4), rtol=1e-6)


def test_a_label_that_is_no_class(monkeypatch):
    exe = compiled("", (2, 3), (2,))
    feed = {"in0": np.zeros((2, 3)), "in1": np.array([0, 3])}
    with pytest.raises(NetdefError, match="out of range"):
        exe.loss(feed)
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    assert exe.loss(feed).isnan()


def test_beta_has_no_effect():
    net = loaded("focal_loss_param { beta: 2 }", (4, 3), (4,))
    assert [(d.rule, d.message) for d in net.diagnostics] == [
        ("ignored-field", "`beta` has no effect in this FocalLoss")
    ]


def test_faults():
    fields = "focal_loss_param { type: LINEAR gamma: -1 alpha: 0 }"
    assert faults(fields, (4, 3), (4, 3)) == [
        ("shape-mismatch", "the scores need 4 labels (4), but there are 12"),
        ("unsupported", "no published code computes LINEAR, though several declare it"),
        ("bad-value", "`gamma` must be at least 0, not -1"),
        ("bad-value", "`alpha` must be above 0, not 0"),
    ]
    assert faults("softmax_param { axis: 2 }", (4, 3), (4,)) == [
        ("bad-value", "`axis` is 2, but the input has 2 axes")
    ]
