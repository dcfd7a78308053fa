"""SigmoidCrossEntropyLoss against its definition in numpy, its gradient, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError


def net_text(scores: tuple[int, ...], targets: tuple[int, ...], fields: str = "") -> str:
    inputs = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }\n"
        for name, shape in (("x", scores), ("t", targets))
    )
    return (
        f'{inputs}layer {{ name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" '
        f'top: "loss" loss_param {{ {fields} }} }}'
    )


def executable(scores, targets, fields=""):
    return netdef.compile(netdef.loads(net_text(scores, targets, fields)), device="cpu")


def by_definition(x, t, ignore=None, normalization="BATCH_SIZE"):
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    t = t.reshape(x.shape).astype(np.float64)
    costs = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    counted = np.ones(x.shape, bool) if ignore is None else t.astype(int) != ignore
    divisor = {
        "FULL": x.size,
        "VALID": counted.sum(),
        "BATCH_SIZE": x.shape[0],
        "NONE": 1,
    }[normalization]
    return costs[counted].sum() / max(1, divisor)


@pytest.mark.parametrize("ignore", [None, 0, 2, -1])
@pytest.mark.parametrize("normalization", ["FULL", "VALID", "BATCH_SIZE", "NONE", None])
@pytest.mark.parametrize("shape", [(5,), (4, 6), (2, 3, 4, 5)])
def test_every_mode_is_as_defined(shape, normalization, ignore):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape).astype(np.float32) * 3
    t = rng.integers(-1, 3, shape).astype(np.float32)
    fields = "" if ignore is None else f"ignore_label: {ignore} "
    fields += "" if normalization is None else f"normalization: {normalization}"
    loss = executable(shape, shape, fields).loss({"x": x, "t": t})
    wanted = by_definition(x, t, ignore, normalization or "BATCH_SIZE")
    assert loss.shape == ()
    np.testing.assert_allclose(loss.item(), wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ("", "BATCH_SIZE"),
        ("normalize: true", "VALID"),
        ("normalize: false", "BATCH_SIZE"),
        ("normalize: true normalization: FULL", "FULL"),
    ],
)
def test_which_normalization_is_taken(fields, wanted):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3, 4)).astype(np.float32)
    t = rng.integers(0, 3, (3, 4)).astype(np.float32)
    loss = executable((3, 4), (3, 4), f"ignore_label: 2 {fields}").loss({"x": x, "t": t})
    np.testing.assert_allclose(loss.item(), by_definition(x, t, 2, wanted), rtol=1e-5)


def test_the_divisor_of_pre_fixed_is_given_but_at_least_one():
    x, t = np.zeros((4, 2), np.float32), np.zeros((4, 2), np.float32)
    for given, divisor in ((128, 128), (0.5, 1)):
        fields = f"normalization: PRE_FIXED pre_fixed_normalizer: {given}"
        loss = executable((4, 2), (4, 2), fields).loss({"x": x, "t": t})
        np.testing.assert_allclose(loss.item(), 8 * np.log(2) / divisor, rtol=1e-6)


def test_targets_may_be_shares_and_of_another_shape():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 3, 2, 2)).astype(np.float32)
    t = rng.random((2, 12)).astype(np.float32)
    loss = executable(x.shape, t.shape).loss({"x": x, "t": t})
    np.testing.assert_allclose(loss.item(), by_definition(x, t), rtol=1e-5)


def test_large_scores_cost_what_they_are_and_do_not_overflow():
    x, t = np.array([[1e4, -1e4, 1e4, -1e4]], np.float32), np.array([[0, 1, 1, 0]], np.float32)
    loss = executable((1, 4), (1, 4)).loss({"x": x, "t": t})
    assert loss.item() == 2e4


def test_where_all_is_ignored_the_loss_and_its_gradient_are_zero():
    x = torch.randn(3, 4, requires_grad=True)
    exe = executable((3, 4), (3, 4), "ignore_label: 9 normalization: VALID")
    loss = exe.loss({"x": x, "t": torch.full((3, 4), 9.0)})
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.any()


@pytest.mark.parametrize(
    "fields", ["", "ignore_label: 1 normalization: VALID", "normalization: FULL"]
)
def test_gradient(fields):
    exe = executable((3, 4), (3, 4), fields).double()
    torch.manual_seed(0)
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    t = torch.randint(0, 2, (3, 4)).double()
    assert torch.autograd.gradcheck(lambda x: exe.loss({"x": x, "t": t}), x)


def test_targets_get_no_gradient():
    x, t = torch.randn(2, 3, requires_grad=True), torch.rand(2, 3, requires_grad=True)
    executable((2, 3), (2, 3)).loss({"x": x, "t": t}).backward()
    torch.testing.assert_close(x.grad, (x.sigmoid() - t).detach() / 2)
    assert t.grad is None


def test_the_batch_may_be_of_another_size():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((7, 3)).astype(np.float32)
    t = rng.integers(0, 2, (7, 3)).astype(np.float32)
    loss = executable((2, 3), (2, 3)).loss({"x": x, "t": t})
    np.testing.assert_allclose(loss.item(), by_definition(x, t), rtol=1e-5)


def test_it_compiles_as_one_graph():
    (module,) = executable((2, 3), (2, 3), "ignore_label: 1").layers.values()
    x, t = torch.randn(2, 3), torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, t), module(x, t))


@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        ((2, 5), (2,), "2 targets for 10 scores"),
        ((2, 6), (3, 4), "the first axis is 2 in the scores and 3 in the targets"),
        ((), (), "the scores need an axis for the batch"),
    ],
)
def test_faults(scores, targets, message):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(scores, targets))
    (fault,) = caught.value.diagnostics
    assert (fault.rule, fault.message) == ("shape-mismatch", message)
