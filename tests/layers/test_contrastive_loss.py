"""ContrastiveLoss against its definition, Caffe's gradient of unlike pairs, and its faults."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(fields, *shapes):
    net = netdef.loads(Example(fields, ins=shapes, outs=[()]).prototxt("ContrastiveLoss"))
    return netdef.compile(net, device="cpu")


def faults(fields, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(fields, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics]


def by_definition(a, b, marks, margin=1.0, legacy=False):
    """The loss and the gradient of a, pair by pair."""
    loss, gradient = 0.0, np.zeros_like(a)
    for i, mark in enumerate(marks):
        apart = a[i] - b[i]
        d = np.sqrt((apart**2).sum())
        if int(mark):
            loss += d**2
            gradient[i] = apart
        elif legacy:
            loss += max(margin - d**2, 0)
            gradient[i] = -apart if margin > d**2 else 0
        else:
            loss += max(margin - d, 0) ** 2
            gradient[i] = -max(margin - d, 0) / (d + 1e-4) * apart
    return loss / 2 / len(a), gradient / len(a)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("margin", [0, 0.5, 2, 20])
def test_loss_and_gradient(margin, legacy):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 9, 4))
    marks = np.array([1, 0, 0, 1, 0, 0.9, -1, 2, 0])  # what is not a whole number is cut off
    fields = f"contrastive_loss_param {{ margin: {margin} legacy_version: {str(legacy).lower()} }}"
    exe = compiled(fields, (9, 4), (9, 4), (9,)).double()
    inputs = [torch.tensor(x, requires_grad=True) for x in (a, b)]
    loss = exe.loss({"in0": inputs[0], "in1": inputs[1], "in2": marks})
    loss.backward()
    expected, gradient = by_definition(a, b, marks, margin, legacy)
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-12)
    np.testing.assert_allclose(inputs[0].grad, gradient, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(inputs[1].grad, -gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("legacy", ["false", "true"])
def test_gradient_by_differences(legacy):
    fields = f"contrastive_loss_param {{ margin: 3 legacy_version: {legacy} }}"
    exe = compiled(fields, (4, 3), (4, 3), (4,)).double()
    torch.manual_seed(0)
    a, b = torch.randn(2, 4, 3, dtype=torch.float64)
    marks = torch.tensor([1.0, 0.0, 0.0, 1.0])
    run = lambda a, b: exe.loss({"in0": a, "in1": b, "in2": marks})  # noqa: E731
    assert torch.autograd.gradcheck(run, (a.requires_grad_(), b.requires_grad_()), atol=1e-3)


def test_equal_rows_of_an_unlike_pair_cost_the_margin_and_get_no_gradient():
    exe = compiled("", (1, 3), (1, 3), (1,))
    a = torch.ones(1, 3, requires_grad=True)
    loss = exe.loss({"in0": a, "in1": np.ones((1, 3)), "in2": np.zeros(1)})
    loss.backward()
    assert loss.item() == 0.5
    assert not a.grad.any()


def test_the_batch_may_be_of_another_size():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 5, 4)).astype(np.float32)
    marks = np.array([0, 1, 0, 1, 0], np.float32)
    exe = compiled("", (2, 4), (2, 4, 1, 1), (2, 1))
    feed = {"in0": a, "in1": b[:, :, None, None], "in2": marks[:, None]}
    np.testing.assert_allclose(exe.loss(feed).item(), by_definition(a, b, marks)[0], rtol=1e-6)


def test_faults():
    assert faults("contrastive_loss_param { margin: -1 }", (4, 3), (4, 2), (5,)) == [
        ("shape-mismatch", "the features are 4 x 3 in `in0`, but 4 x 2 here"),
        ("shape-mismatch", "4 pairs need 4 marks, not 5"),
        ("bad-value", "`margin` must be at least 0, not -1"),
    ]
    assert faults("", (4, 3, 2), (4, 3, 2), (4,)) == [
        ("shape-mismatch", "the features need the shape (N, C)")
    ]
