"""EuclideanLoss against its definition in numpy, its gradient, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError


def net_text(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    inputs = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }\n"
        for name, shape in (("a", a), ("b", b))
    )
    loss = 'layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }'
    return inputs + loss


@pytest.mark.parametrize(
    ("a", "b"), [((4,), (4,)), ((4, 5), (4, 5)), ((4, 5), (4, 5, 1, 1)), ((2, 3, 4, 5), (2, 60))]
)
def test_definition_and_gradient(a, b):
    exe = netdef.compile(netdef.loads(net_text(a, b)), device="cpu").double()
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal(a), rng.standard_normal(b)
    loss = exe.loss({"a": x, "b": y})
    assert loss.shape == ()
    wanted = ((x - y.reshape(a)) ** 2).sum() / (2 * a[0])
    np.testing.assert_allclose(loss.item(), wanted, rtol=1e-12)
    tensors = [torch.from_numpy(v).requires_grad_() for v in (x, y)]
    assert torch.autograd.gradcheck(lambda a, b: exe.loss({"a": a, "b": b}), tensors)


def test_half_precision_does_not_overflow():
    net = netdef.loads(net_text((2, 1000), (2, 1000)))
    exe = netdef.compile(net, device="cpu").half()
    loss = exe({"a": np.full((2, 1000), 100.0), "b": np.zeros((2, 1000))})["loss"]
    assert loss.item() == 1000 * 100**2 / 2


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((4, 5), (5, 4), "`b` has 5 items, but `a` has 4"),
        ((4, 5), (4, 6), "an item of `b` has 6 elements, but of `a` 5"),
        ((4, 5), (), "an axis for the batch is needed"),
    ],
)
def test_faults(a, b, message):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(a, b))
    (fault,) = caught.value.diagnostics
    assert (fault.rule, fault.message) == ("shape-mismatch", message)
