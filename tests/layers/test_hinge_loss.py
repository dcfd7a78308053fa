"""HingeLoss against its definition, labels that are no class, and its faults."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(fields, *shapes):
    net = netdef.loads(Example(fields, ins=shapes, outs=[()]).prototxt("HingeLoss"))
    return netdef.compile(net, device="cpu")


def by_definition(x, labels, power):
    """The loss, score by score."""
    rows, loss = x.reshape(len(x), -1), 0.0
    for row, label in zip(rows, labels.reshape(-1).astype(int), strict=True):
        for index, score in enumerate(row):
            loss += max(0, 1 - score if index == label else 1 + score) ** power
    return loss / len(x)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 2, 2)])
def test_loss(shape, power):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    labels = rng.integers(0, np.prod(shape[1:]), shape[0]).astype(float)
    exe = compiled(f"hinge_loss_param {{ norm: L{power} }}", shape, (shape[0], 1)).double()
    loss = exe.loss({"in0": x, "in1": labels[:, None]})
    np.testing.assert_allclose(loss.item(), by_definition(x, labels, power), rtol=1e-12)


@pytest.mark.parametrize("norm", ["L1", "L2"])
def test_gradient(norm):
    exe = compiled(f"hinge_loss_param {{ norm: {norm} }}", (4, 3), (4,)).double()
    torch.manual_seed(0)
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0.0, 2.0, 1.0, 2.0])
    assert torch.autograd.gradcheck(lambda x: exe.loss({"in0": x, "in1": labels}), x)


def test_a_score_right_on_its_margin_gets_no_gradient():
    exe = compiled("", (1, 2), (1,))
    x = torch.tensor([[1.0, -1.0]], requires_grad=True)
    loss = exe.loss({"in0": x, "in1": np.zeros(1)})
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.any()


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_that_is_no_class(label, monkeypatch):
    exe = compiled("", (2, 3), (2,))
    feed = {"in0": np.zeros((2, 3)), "in1": np.array([0, label])}
    with pytest.raises(NetdefError, match="out of range"):
        exe.loss(feed)
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    assert exe.loss(feed).isnan()


def test_there_is_one_label_per_item_and_not_per_position():
    with pytest.raises(NetdefError) as caught:
        compiled("", (2, 3, 4, 4), (2, 4, 4))
    assert [d.message for d in caught.value.diagnostics] == [
        "the scores need 2 labels (2), but there are 32"
    ]
    with pytest.raises(NetdefError, match="an axis for the batch and one for the classes"):
        compiled("", (5,), (5,))
