"""InfogainLoss against its definition, its matrix in a file, and its faults."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError
from netdef.weights import write_binaryproto


def net_text(fields, *shapes, tops=1):
    return Example(fields, ins=shapes, outs=[()] * tops).prototxt("InfogainLoss")


def compiled(fields, *shapes, tops=1):
    return netdef.compile(netdef.loads(net_text(fields, *shapes, tops=tops)), device="cpu")


def faults(fields, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(fields, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics]


def by_definition(x, labels, h, axis, ignore, normalization):
    """Go through the positions one by one."""
    items = int(np.prod(x.shape[:axis]))
    rows = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    total, valid = 0.0, 0
    for row, label in zip(rows, labels.reshape(-1).astype(int), strict=True):
        if label == ignore:
            continue
        p = np.exp(row - row.max())
        p /= p.sum()
        total -= sum(h[label, k] * np.log(max(p[k], 1e-20)) for k in range(len(row)))
        valid += 1
    divisor = {"FULL": len(rows), "VALID": valid, "BATCH_SIZE": items, "NONE": 1}[normalization]
    return total / max(1, divisor)


@pytest.mark.parametrize("ignore", [None, 2, -1])
@pytest.mark.parametrize("mode", ["FULL", "VALID", "BATCH_SIZE", "NONE", None])
@pytest.mark.parametrize(
    ("scores", "labels", "axis"),
    [((6, 4), (6,), 1), ((2, 4, 3, 2), (2, 1, 3, 2), 1), ((2, 3, 4), (2, 3), -1)],
)
def test_every_mode_is_as_defined(scores, labels, axis, mode, ignore):
    rng = np.random.default_rng(0)
    x, h = rng.standard_normal(scores) * 20, rng.standard_normal((4, 4))
    label = rng.integers(0, 4, labels).astype(float)
    if ignore == -1:
        label.ravel()[::2] = -1
    fields = f"infogain_loss_param {{ axis: {axis} }} loss_param {{ "
    fields += "" if ignore is None else f"ignore_label: {ignore} "
    fields += "}" if mode is None else f"normalization: {mode} }}"
    exe = compiled(fields, scores, labels, (1, 1, 4, 4)).double()
    loss = exe.loss({"in0": x, "in1": label, "in2": h[None, None]})
    wanted = by_definition(x, label, h, axis % len(scores), ignore, mode or "VALID")
    np.testing.assert_allclose(loss.item(), wanted, rtol=1e-10)


def test_the_identity_is_softmax_with_loss_and_the_second_top_the_softmax():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3, 4)).astype(np.float32)
    exe = compiled("", (3, 4), (3,), (4, 4), tops=2)
    blobs = exe.run({"in0": x, "in1": [0, 1, 3], "in2": np.eye(4)}, ["out0", "out1"])
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    np.testing.assert_allclose(blobs["out1"], p, rtol=1e-5)
    wanted = -np.log(p[[0, 1, 2], [0, 1, 3]]).mean()
    np.testing.assert_allclose(blobs["out0"].item(), wanted, rtol=1e-6)


def test_gradient():
    exe = compiled("loss_param { ignore_label: 1 }", (4, 3, 2), (4, 2), (3, 3)).double()
    torch.manual_seed(0)
    x = torch.randn(4, 3, 2, dtype=torch.float64, requires_grad=True)
    labels, h = torch.randint(0, 3, (4, 2)).double(), torch.rand(3, 3).double()
    run = lambda x: exe.loss({"in0": x, "in1": labels, "in2": h})  # noqa: E731
    assert torch.autograd.gradcheck(run, x)


def test_below_the_bound_the_gradient_is_that_of_the_probability():
    exe = compiled("", (1, 2), (1,), (2, 2))
    x = torch.tensor([[100.0, 0.0]], requires_grad=True)
    loss = exe.loss({"in0": x, "in1": np.ones(1), "in2": np.eye(2)})
    loss.backward()
    np.testing.assert_allclose(loss.item(), -np.log(1e-20), rtol=1e-6)
    np.testing.assert_array_equal(x.grad, [[1, -1]])


def test_a_label_that_is_no_class(monkeypatch):
    exe = compiled("", (2, 3), (2,), (3, 3))
    feed = {"in0": np.zeros((2, 3)), "in1": np.array([0, 3]), "in2": np.eye(3)}
    with pytest.raises(NetdefError, match="out of range"):
        exe.loss(feed)
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    assert exe.loss(feed).isnan()


def test_the_matrix_is_read_from_a_file_beside_the_net(tmp_path):
    rng = np.random.default_rng(2)
    x, h = rng.standard_normal((5, 3)), rng.standard_normal((3, 3)).astype(np.float32)
    labels = rng.integers(0, 3, 5).astype(float)
    write_binaryproto(tmp_path / "h.binaryproto", h)
    path = tmp_path / "net.prototxt"
    fields = 'infogain_loss_param { source: "models/h.binaryproto" }'
    path.write_text(net_text(fields, (5, 3), (5,)))
    exe = netdef.compile(netdef.load(str(path)), device="cpu").double()
    wanted = by_definition(x, labels, h.astype(float), 1, None, "VALID")
    for _ in range(2):
        loss = exe.loss({"in0": x, "in1": labels})
        np.testing.assert_allclose(loss.item(), wanted, rtol=1e-10)


@pytest.mark.parametrize(
    ("written", "rule", "message"),
    [
        (None, "missing-source", "the file `h.binaryproto` is not there"),
        (b"", "bad-source", "h.binaryproto is empty"),
        (b"\xff\xff\xff", "bad-source", "h.binaryproto is no whole blob"),
        (np.eye(2), "bad-source", "3 classes need a matrix of 9 values, but `h.binaryproto` has 4"),
    ],
)
def test_faults_of_the_file_are_shown_at_its_name(tmp_path, written, rule, message):
    if isinstance(written, bytes):
        (tmp_path / "h.binaryproto").write_bytes(written)
    elif written is not None:
        write_binaryproto(tmp_path / "h.binaryproto", written)
    path = tmp_path / "net.prototxt"
    path.write_text(net_text('infogain_loss_param { source: "h.binaryproto" }', (5, 3), (5,)))
    net = netdef.load(str(path))
    assert net.diagnostics == ()
    with pytest.raises(NetdefError) as caught:
        netdef.compile(net, device="cpu")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.rule == rule
    assert message in diagnostic.message
    assert path.read_text()[diagnostic.span.start : diagnostic.span.end] == '"h.binaryproto"'


def test_a_source_beside_a_third_bottom_has_no_effect():
    fields = 'infogain_loss_param { source: "nowhere" }'
    net = netdef.loads(net_text(fields, (5, 3), (5,), (3, 3)))
    assert [(d.rule, d.message) for d in net.diagnostics] == [
        ("ignored-field", "`source` has no effect in this InfogainLoss")
    ]
    netdef.compile(net, device="cpu")


def test_faults():
    assert faults("loss_param { normalize: true }", (5, 3), (4,), (3, 4)) == [
        ("shape-mismatch", "the scores need 5 labels (5), but there are 4"),
        ("shape-mismatch", "3 classes need a matrix of 9 values, not 12"),
        ("bad-value", "InfogainLoss knows no `normalize`"),
    ]
    text = "InfogainLoss needs its matrix, as a third bottom or in a file named by `source`"
    assert faults("", (5, 3), (5,)) == [("missing-field", text)]
