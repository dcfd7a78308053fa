"""MultinomialLogisticLoss: its bound, axes that count as one, and labels that are no class."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(*shapes):
    net = netdef.loads(Example(ins=shapes, outs=[()]).prototxt("MultinomialLogisticLoss"))
    return netdef.compile(net, device="cpu")


def test_all_axes_after_the_first_count_as_one():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.01, 1, (4, 3, 2, 2))
    labels = np.array([11, 0, 5, 7])
    loss = compiled((4, 3, 2, 2), (4, 1, 1, 1)).loss({"in0": p, "in1": labels.reshape(4, 1, 1, 1)})
    expected = -np.mean([np.log(p[i].flat[k]) for i, k in enumerate(labels)])
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-6)


@pytest.mark.parametrize("p", [0.0, 1e-30, -1.0])
def test_below_the_bound_the_loss_and_its_gradient_are_those_of_the_bound(p):
    x = torch.tensor([[p, 1.0], [0.5, 0.5]], requires_grad=True)
    loss = compiled((2, 2), (2,)).loss({"in0": x, "in1": np.zeros(2)})
    loss.backward()
    np.testing.assert_allclose(loss.item(), -(np.log(1e-20) + np.log(0.5)) / 2, rtol=1e-6)
    np.testing.assert_allclose(x.grad, [[-0.5e20, 0], [-1, 0]], rtol=1e-6)


def test_gradient():
    exe = compiled((3, 4), (3,)).double()
    x = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([3.0, 0.0, 1.0])
    assert torch.autograd.gradcheck(lambda x: exe.loss({"in0": x, "in1": labels}), x)


def test_a_label_that_is_no_class(monkeypatch):
    exe = compiled((2, 3), (2,))
    feed = {"in0": np.full((2, 3), 0.3), "in1": np.array([0, 3])}
    with pytest.raises(NetdefError, match="out of range"):
        exe.loss(feed)
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    assert exe.loss(feed).isnan()


def test_there_is_one_label_per_item():
    with pytest.raises(NetdefError, match=r"the scores need 2 labels \(2\), but there are 8"):
        compiled((2, 3, 4), (2, 4))
