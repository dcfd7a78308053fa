"""SoftmaxWithLoss against its definition in numpy, its gradient, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError

FLT_MIN = np.finfo(np.float32).tiny


def net_text(
    scores: tuple[int, ...], labels: tuple[int, ...], fields: str = "", top: str = ""
) -> str:
    inputs = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }\n"
        for name, shape in (("x", scores), ("label", labels))
    )
    return (
        f'{inputs}layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "label" '
        f'top: "loss" {top} {fields} }}'
    )


def executable(scores, labels, fields="", top=""):
    return netdef.compile(netdef.loads(net_text(scores, labels, fields, top)), device="cpu")


def by_definition(x, label, axis=1, ignore=None, normalization="VALID", weights=None):
    """Go through the positions one by one, as the definition does."""
    x = np.moveaxis(x.astype(np.float64), axis, -1)
    items = x.shape[:axis]
    rows, labels = x.reshape(-1, x.shape[-1]), label.reshape(-1).astype(int)
    total, valid = 0.0, 0
    for row, k in zip(rows, labels, strict=True):
        if k == ignore:
            continue
        p = np.exp(row - row.max())
        p /= p.sum()
        total += -np.log(max(p[k], FLT_MIN)) * (1 if weights is None else weights[k])
        valid += 1
    divisor = {
        "FULL": len(rows),
        "VALID": valid,
        "BATCH_SIZE": int(np.prod(items)),
        "NONE": 1,
    }[normalization]
    return total / max(1, divisor)


@pytest.mark.parametrize("ignore", [None, 2, -1])
@pytest.mark.parametrize("normalization", ["FULL", "VALID", "BATCH_SIZE", "NONE", None])
@pytest.mark.parametrize(
    ("scores", "labels", "axis"),
    [
        ((6, 4), (6,), 1),
        ((6, 4), (6, 1, 1, 1), 1),
        ((2, 4, 3, 5), (2, 3, 5), 1),
        ((2, 4, 3, 5), (2, 1, 3, 5), 1),
        ((2, 3, 4, 5), (2, 3, 5), 2),
        ((2, 3, 5, 4), (2, 3, 5), 3),
        ((2, 3, 5, 4), (2, 3, 5), -1),
    ],
)
def test_every_mode_is_as_defined(scores, labels, axis, normalization, ignore):
    rng = np.random.default_rng(7)
    x = rng.standard_normal(scores).astype(np.float32) * 3
    label = rng.integers(0, 4, labels).astype(np.float32)
    if ignore == -1:
        label.ravel()[::3] = -1
    fields = f"softmax_param {{ axis: {axis} }} loss_param {{ "
    fields += "" if ignore is None else f"ignore_label: {ignore} "
    fields += "}" if normalization is None else f"normalization: {normalization} }}"
    loss = executable(scores, labels, fields)({"x": x, "label": label})["loss"]
    wanted = by_definition(x, label, axis % len(scores), ignore, normalization or "VALID")
    assert loss.shape == ()
    np.testing.assert_allclose(loss.item(), wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ("normalize: true", "VALID"),
        ("normalize: false", "BATCH_SIZE"),
        ("normalize: false normalization: FULL", "FULL"),
        ("normalize: true normalization: NONE", "NONE"),
    ],
)
def test_normalize_is_the_old_form_and_normalization_wins(fields, wanted):
    rng = np.random.default_rng(8)
    x = rng.standard_normal((2, 3, 4)).astype(np.float32)
    label = rng.integers(0, 3, (2, 4)).astype(np.float32)
    exe = executable(x.shape, label.shape, f"loss_param {{ ignore_label: 1 {fields} }}")
    wanted = by_definition(x, label, ignore=1, normalization=wanted)
    np.testing.assert_allclose(exe.loss({"x": x, "label": label}).item(), wanted, rtol=1e-5)


def test_the_divisor_of_pre_fixed_is_given():
    x, label = np.zeros((4, 2), np.float32), np.zeros(4, np.float32)
    fields = "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 128 }"
    loss = executable((4, 2), (4,), fields).loss({"x": x, "label": label})
    np.testing.assert_allclose(loss.item(), 4 * np.log(2) / 128, rtol=1e-6)


def test_class_weights_multiply_the_costs_and_not_the_divisor():
    rng = np.random.default_rng(9)
    x = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)
    label = rng.integers(0, 3, (2, 4, 5)).astype(np.float32)
    fields = "class_weighting: 0.25 class_weighting: 2 class_weighting: 1"
    fields = f"loss_param {{ ignore_label: 2 weight_by_label_freqs: true {fields} }}"
    loss = executable(x.shape, label.shape, fields).loss({"x": x, "label": label})
    wanted = by_definition(x, label, ignore=2, weights=[0.25, 2, 1])
    np.testing.assert_allclose(loss.item(), wanted, rtol=1e-5)
    unused = fields.replace("true", "false")
    loss = executable(x.shape, label.shape, unused).loss({"x": x, "label": label})
    np.testing.assert_allclose(loss.item(), by_definition(x, label, ignore=2), rtol=1e-5)


@pytest.mark.parametrize("normalization", ["VALID", "FULL", "BATCH_SIZE", "NONE"])
def test_where_all_is_ignored_the_loss_and_its_gradient_are_zero(normalization):
    fields = f"loss_param {{ ignore_label: 255 normalization: {normalization} }}"
    x = torch.randn(3, 4, requires_grad=True)
    loss = executable((3, 4), (3,), fields).loss({"x": x, "label": torch.full((3,), 255.0)})
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.any()


def test_a_probability_of_zero_costs_no_more_than_the_least_float_and_still_pulls():
    x = torch.tensor([[200.0, 0.0], [-torch.inf, 0.0]], requires_grad=True)
    exe = executable((2, 2), (2,), "loss_param { normalization: NONE }")
    loss = exe.loss({"x": x, "label": torch.tensor([1.0, 0.0])})
    np.testing.assert_allclose(loss.item(), -2 * np.log(FLT_MIN), rtol=1e-6)
    loss.backward()
    np.testing.assert_array_equal(x.grad[0], [1, -1])


def test_scores_that_are_not_numbers_give_a_loss_that_is_none():
    exe = executable((2, 2), (2,))
    loss = exe.loss({"x": np.array([[np.nan, 0], [0, 0]]), "label": np.zeros(2)})
    assert loss.isnan()


def test_large_scores_do_not_overflow():
    x = np.array([[1e4, 9e3], [-1e4, -1e4]], np.float32)
    loss = executable((2, 2), (2,)).loss({"x": x, "label": np.zeros(2)})
    np.testing.assert_allclose(loss.item(), np.log(2) / 2, rtol=1e-6)


def test_the_second_top_is_the_softmax():
    x = np.random.default_rng(10).standard_normal((2, 3, 4)).astype(np.float32)
    exe = executable((2, 3, 4), (2, 4), top='top: "prob"')
    blobs = exe.run({"x": x, "label": np.ones((2, 4))}, ["loss", "prob"])
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    np.testing.assert_allclose(blobs["prob"], p, rtol=1e-5)
    np.testing.assert_allclose(blobs["loss"].item(), -np.log(p[:, 1]).mean(), rtol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [
        "",
        "loss_param { ignore_label: 1 }",
        "loss_param { ignore_label: 1 normalization: BATCH_SIZE } loss_weight: 3",
        "loss_param { weight_by_label_freqs: true"
        " class_weighting: 1 class_weighting: 0.5 class_weighting: 2 class_weighting: 0 }",
    ],
)
def test_gradient(fields):
    exe = executable((3, 4, 2), (3, 2), fields).double()
    torch.manual_seed(0)
    x = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)
    label = torch.randint(0, 4, (3, 2)).double()
    assert torch.autograd.gradcheck(lambda x: exe.loss({"x": x, "label": label}), x)


def test_a_computed_label_gets_no_gradient():
    text = net_text((2, 3), (2,)).replace('bottom: "label"', 'bottom: "computed"')
    relu = 'layer { name: "r" type: "ReLU" bottom: "label" top: "computed" }\n'
    text = text.replace('layer { name: "loss"', relu + 'layer { name: "loss"')
    exe = netdef.compile(netdef.loads(text), device="cpu")
    label = torch.ones(2, requires_grad=True)
    exe.loss({"x": torch.randn(2, 3, requires_grad=True), "label": label}).backward()
    assert label.grad is None


def test_the_batch_may_be_of_another_size():
    rng = np.random.default_rng(11)
    x = rng.standard_normal((7, 3, 2)).astype(np.float32)
    label = rng.integers(0, 3, (7, 2)).astype(np.float32)
    exe = executable((2, 3, 4), (2, 4), "loss_param { normalization: BATCH_SIZE }")
    wanted = by_definition(x, label, normalization="BATCH_SIZE")
    np.testing.assert_allclose(exe.loss({"x": x, "label": label}).item(), wanted, rtol=1e-5)


@pytest.mark.parametrize("label", [4, -1, np.nan])
def test_a_label_that_is_no_class_is_an_error(label):
    exe = executable((2, 4), (2,))
    with pytest.raises(NetdefError, match="out of range"):
        exe.loss({"x": np.zeros((2, 4)), "label": np.array([0, label])})


def test_where_an_index_is_not_checked_a_label_that_is_no_class_makes_the_loss_nan(monkeypatch):
    exe = executable((2, 4), (2,), "loss_param { ignore_label: -1 }")
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    x = np.zeros((2, 4))
    assert exe.loss({"x": x, "label": np.array([0, 4])}).isnan()
    assert exe.loss({"x": x, "label": np.array([0, -2])}).isnan()
    assert exe.loss({"x": x, "label": np.array([3, -1])}).item() == pytest.approx(np.log(4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_a_label_that_is_no_class_makes_the_loss_nan():
    net = netdef.loads(net_text((2, 4), (2,)))
    exe = netdef.compile(net, device="cuda")
    assert exe.loss({"x": np.zeros((2, 4)), "label": np.array([0, 4])}).isnan()
    assert exe.loss({"x": np.zeros((2, 4)), "label": np.array([0, 3])}).item() == pytest.approx(
        np.log(4)
    )


@pytest.mark.parametrize(
    "fields",
    ["", "loss_param { ignore_label: 1 }", "loss_param { normalization: FULL }"],
)
def test_it_compiles_as_one_graph(fields):
    exe = executable((2, 4), (2,), fields)
    (module,) = exe.layers.values()
    x, label = torch.randn(2, 4), torch.tensor([1.0, 3.0])
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, label), module(x, label))


def faults(*arguments):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(*arguments))
    return [(d.rule, d.message) for d in caught.value.diagnostics]


def test_faults():
    assert faults((2, 5), (3,)) == [
        ("shape-mismatch", "the scores need 2 labels (2), but there are 3")
    ]
    assert faults((2, 5), (2, 5)) == [
        ("shape-mismatch", "the scores need 2 labels (2), but there are 10")
    ]
    assert faults((2, 5, 3), (3, 2)) == [
        ("shape-mismatch", "the first axis is 2 in the scores and 3 in the labels")
    ]
    assert faults((2, 5), (2,), "softmax_param { axis: 2 }") == [
        ("bad-value", "`axis` is 2, but the input has 2 axes")
    ]
    weights = "loss_param { weight_by_label_freqs: true class_weighting: 1 }"
    assert faults((2, 5), (3,), weights) == [
        ("shape-mismatch", "the scores need 2 labels (2), but there are 3"),
        ("bad-value", "`class_weighting` is given 1 times, but there are 5 classes"),
    ]
