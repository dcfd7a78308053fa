"""CenterLoss against its definition, the centres' own gradient, and its faults."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def loaded(fields, *shapes):
    return netdef.loads(Example(fields, ins=shapes, outs=[()]).prototxt("CenterLoss"))


def compiled(fields, *shapes):
    exe = netdef.compile(loaded(fields, *shapes), device="cpu").double()
    centers = exe.params["example"][0]
    values = np.random.default_rng(9).standard_normal(tuple(centers.shape))
    with torch.no_grad():
        centers.copy_(torch.from_numpy(values))
    return exe, values


def faults(fields, *shapes):
    with pytest.raises(NetdefError) as caught:
        loaded(fields, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics]


@pytest.mark.parametrize("weight", [1, 0.01, -2])
def test_loss_and_both_gradients(weight):
    exe, centers = compiled(
        f"center_loss_param {{ num_output: 4 }} loss_weight: {weight}", (7, 3), (7,)
    )
    weight = float(np.float32(weight))
    x = np.random.default_rng(0).standard_normal((7, 3))
    labels = np.array([0, 2, 2, 0, 2, 3, 0])
    features = torch.tensor(x, requires_grad=True)
    loss = exe.loss({"in0": features, "in1": labels})
    loss.backward()
    expected = sum(((x[i] - centers[y]) ** 2).sum() for i, y in enumerate(labels)) / 14
    np.testing.assert_allclose(loss.item(), weight * expected, rtol=1e-12)
    np.testing.assert_allclose(features.grad, weight * (x - centers[labels]) / 7, rtol=1e-12)
    pulls = np.zeros_like(centers)
    for k in range(4):
        own = x[labels == k]
        pulls[k] = (centers[k] - own).sum(0) / (1 + len(own))
    np.testing.assert_allclose(exe.params["example"][0].grad, pulls, rtol=1e-10, atol=1e-15)


def test_gradient_of_the_features_by_differences():
    exe, _ = compiled("center_loss_param { num_output: 3 } loss_weight: 1", (4, 2, 3), (4, 1))
    torch.manual_seed(0)
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[0.0], [2.0], [1.0], [0.0]])
    assert torch.autograd.gradcheck(lambda x: exe.loss({"in0": x, "in1": labels}), x)


def test_without_a_loss_weight_nothing_is_learned():
    assert loaded("center_loss_param { num_output: 3 }", (4, 2), (4,)).layers[-1].loss_weights == (
        0,
    )


def test_the_centers_start_as_the_filler_says():
    fields = "center_loss_param { num_output: 3 center_filler { value: 2 } }"
    exe = netdef.compile(loaded(fields, (4, 2), (4,)), device="cpu")
    (centers,) = exe.params["example"]
    assert centers.shape == (3, 2)
    assert (centers == 2).all()


def test_a_label_that_is_no_class(monkeypatch):
    exe, _ = compiled("center_loss_param { num_output: 3 } loss_weight: 1", (2, 2), (2,))
    feed = {"in0": np.zeros((2, 2)), "in1": np.array([0, 3])}
    with pytest.raises(NetdefError, match="out of range"):
        exe.loss(feed)
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    assert exe.loss(feed).isnan()


def test_faults():
    message = "CenterLoss needs `num_output`, the number of classes"
    assert faults("", (4, 2), (4,)) == [("missing-field", message)]
    assert faults("center_loss_param { num_output: 0 }", (4, 2), (4,)) == [
        ("bad-value", "`num_output` must be at least 1, not 0")
    ]
    assert faults("center_loss_param { num_output: 3 axis: 2 }", (4, 2, 3), (4,)) == [
        ("bad-value", "`axis` is 2, but all axes after the batch are features of an item")
    ]
    assert faults("center_loss_param { num_output: 3 }", (4, 2), (5,)) == [
        ("shape-mismatch", "4 items need 4 labels, not 5")
    ]
