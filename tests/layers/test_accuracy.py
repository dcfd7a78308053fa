"""Accuracy against its definition in plain Python, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError


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
        f'{inputs}layer {{ name: "acc" type: "Accuracy" bottom: "x" bottom: "label" '
        f'top: "share" {top} accuracy_param {{ {fields} }} }}'
    )


def executable(scores, labels, fields="", top=""):
    return netdef.compile(netdef.loads(net_text(scores, labels, fields, top)), device="cpu")


def by_definition(x, label, top_k=1, axis=1, ignore=None):
    """Return the share of right items, and the shares by class."""
    x = np.moveaxis(x, axis, -1)
    classes = x.shape[-1]
    found, there = np.zeros(classes), np.zeros(classes)
    for row, k in zip(x.reshape(-1, classes), label.ravel().astype(int), strict=True):
        if k == ignore:
            continue
        others = [row[c] for c in range(classes) if c != k]
        there[k] += 1
        found[k] += sum(other >= row[k] for other in others) < top_k
    return found.sum() / max(1, there.sum()), found / np.maximum(1, there)


@pytest.mark.parametrize("ignore", [None, 2])
@pytest.mark.parametrize("top_k", [1, 2, 4])
@pytest.mark.parametrize(
    ("scores", "labels", "axis"),
    [
        ((20, 4), (20,), 1),
        ((20, 4), (20, 1, 1, 1), 1),
        ((3, 4, 2, 5), (3, 1, 2, 5), 1),
        ((3, 2, 5, 4), (3, 2, 5), -1),
        ((4, 9), (9,), 0),
    ],
)
def test_every_mode_is_as_defined(scores, labels, axis, top_k, ignore):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 4, scores).astype(np.float32)  # many ties
    label = rng.integers(0, 4, labels).astype(np.float32)
    fields = f"top_k: {top_k} axis: {axis}" + ("" if ignore is None else f" ignore_label: {ignore}")
    exe = executable(scores, labels, fields, 'top: "by_class"')
    blobs = exe.run({"x": x, "label": label}, ["share", "by_class"])
    share, by_class = by_definition(x, label, top_k, axis % len(scores), ignore)
    assert blobs["share"].shape == ()
    np.testing.assert_allclose(blobs["share"].item(), share, rtol=1e-6)
    np.testing.assert_allclose(blobs["by_class"], by_class, rtol=1e-6)
    alone = executable(scores, labels, fields)({"x": x, "label": label})
    assert alone["share"] == blobs["share"]


def test_ties_go_against_the_item():
    exe = executable((3, 4), (3,))
    assert exe({"x": np.zeros((3, 4)), "label": np.zeros(3)})["share"] == 0
    exe = executable((3, 4), (3,), "top_k: 4")
    assert exe({"x": np.zeros((3, 4)), "label": np.zeros(3)})["share"] == 1


def test_scores_that_are_not_numbers_are_not_right():
    x = np.array([[np.nan] * 3, [np.nan, 1, 0], [0, 1, np.nan], [0, 1, 0]], np.float32)
    exe = executable((4, 3), (4,))
    assert exe({"x": x, "label": np.array([0, 1, 1, 1])})["share"] == 0.25


def test_a_share_of_nothing_is_zero():
    exe = executable((3, 4), (3,), "ignore_label: 255", 'top: "by_class"')
    blobs = exe({"x": np.zeros((3, 4)), "label": np.full(3, 255.0)})
    assert blobs["share"] == 0
    assert not blobs["by_class"].any()


def test_more_items_than_half_precision_can_count():
    net = netdef.loads(net_text((5000, 2), (5000,)))
    exe = netdef.compile(net, device="cpu").half()
    x = np.zeros((5000, 2))
    x[:4999, 0] = 1
    assert exe({"x": x, "label": np.zeros(5000)})["share"] == np.float32(4999 / 5000)


def test_the_batch_may_be_of_another_size():
    rng = np.random.default_rng(4)
    x, label = rng.standard_normal((50, 3, 2)).astype("f"), rng.integers(0, 3, (50, 2)).astype("f")
    share = executable((2, 3, 4), (2, 4))({"x": x, "label": label})["share"]
    np.testing.assert_allclose(share.item(), by_definition(x, label)[0], rtol=1e-6)


def test_nothing_gets_a_gradient():
    x = torch.randn(3, 4, requires_grad=True)
    assert not executable((3, 4), (3,))({"x": x, "label": torch.zeros(3)})["share"].requires_grad


@pytest.mark.parametrize("label", [4, -1])
def test_a_label_that_is_no_class_is_an_error(label):
    exe = executable((2, 4), (2,))
    with pytest.raises(NetdefError, match="out of range"):
        exe({"x": np.zeros((2, 4)), "label": np.array([0, label])})


def test_where_an_index_is_not_checked_a_label_that_is_no_class_makes_the_share_nan(monkeypatch):
    exe = executable((3, 4), (3,), top='top: "by_class"')
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    blobs = exe({"x": np.eye(3, 4), "label": np.array([0, 4, -1])})
    assert blobs["share"].isnan()
    assert exe({"x": np.eye(3, 4), "label": np.array([0, 1, 3])})["share"] == np.float32(2 / 3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_a_label_that_is_no_class_makes_the_share_nan():
    net = netdef.loads(net_text((2, 4), (2,), top='top: "by_class"'))
    exe = netdef.compile(net, device="cuda")
    blobs = exe({"x": np.eye(2, 4), "label": np.array([0, 4])})
    assert blobs["share"].isnan()
    assert exe({"x": np.eye(2, 4), "label": np.array([0, 1])})["share"] == 1


@pytest.mark.parametrize("top", ["", 'top: "by_class"'])
def test_it_compiles_as_one_graph(top):
    (module,) = executable((2, 4), (2,), "ignore_label: 1", top).layers.values()
    x, label = torch.randn(2, 4), torch.tensor([1.0, 3.0])
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, label), module(x, label))


def faults(*arguments):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(*arguments))
    return [(d.rule, d.message) for d in caught.value.diagnostics]


def test_faults():
    assert faults((2, 5), (3,), "top_k: 6") == [
        ("shape-mismatch", "the scores need 2 labels (2), but there are 3"),
        ("bad-value", "`top_k` must be from 1 to the number of classes, 5, not 6"),
    ]
    assert faults((2, 5), (2,), "top_k: 0") == [
        ("bad-value", "`top_k` must be from 1 to the number of classes, 5, not 0")
    ]
    assert faults((2, 5), (2,), "axis: -3") == [
        ("bad-value", "`axis` is -3, but the input has 2 axes")
    ]
