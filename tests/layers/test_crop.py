"""Crop against slicing, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Crop"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


@pytest.mark.parametrize(
    ("fields", "shape", "like", "cut"),
    [
        ("axis: 1 offset: 1", (2, 4, 6, 7), (9, 2, 4, 5), np.s_[:, 1:3, 1:5, 1:6]),
        ("axis: 1 offset: 0 offset: 2 offset: 1", (2, 4, 6, 7), (1, 4, 4, 5), np.s_[:, :, 2:, 1:6]),
        ("axis: -1 offset: 2", (2, 6), (2, 3), np.s_[:, 2:5]),
        ("axis: 0 offset: 1 offset: 3", (4, 6), (2, 3), np.s_[1:3, 3:]),
        ("", (2, 3, 6), (2, 3, 6, 5), np.s_[:]),
    ],
)
def test_it_is_a_slice(fields, shape, like, cut):
    exe = compiled(f"crop_param {{ {fields} }}", shape, like)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    y = exe({"in0": x, "in1": np.zeros(like, np.float32)})["out0"].numpy()
    np.testing.assert_array_equal(y, x[cut])


def test_the_gradient_goes_to_what_was_kept():
    exe = compiled("crop_param { offset: 1 }", (1, 2, 4, 4), (1, 2, 2, 2)).double()
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    like = torch.zeros(1, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: exe({"in0": v, "in1": like})["out0"], x)
    exe({"in0": x, "in1": like})["out0"].sum().backward()
    assert x.grad is not None
    assert x.grad.sum() == 8
    assert like.grad is None


def test_sizes_are_those_of_the_inputs():
    exe = compiled("crop_param { offset: 1 }", (1, 2, 4, 4), (1, 2, 2, 2))
    feed = {"in0": np.ones((3, 2, 9, 8), np.float32), "in1": np.ones((3, 2, 5, 7), np.float32)}
    assert exe(feed)["out0"].shape == (3, 2, 5, 7)


@pytest.mark.parametrize(
    ("fields", "shapes", "parts"),
    [
        ("axis: 4", [(2, 3, 4, 4)] * 2, ["`axis` is 4"]),
        ("offset: 1 offset: 1 offset: 1", [(2, 3, 4, 4), (2, 3, 2, 2)], ["3 times, but 2 axes"]),
        ("", [(2, 3, 4, 4), (2, 3, 5, 4)], ["axis 2 is 5 in `in1`, but only 4 in `in0`"]),
        (
            "offset: 3 offset: 4",
            [(2, 3, 4, 4), (2, 3, 2, 2)],
            ["2 from `offset` 3 on reaches past the 4 of axis 2", "`offset` 4 on"],
        ),
        ("", [(2, 3, 4, 4), (2, 3)], ["`in1` has 2 axes, but `in0` has 4"]),
    ],
)
def test_what_does_not_fit_is_refused(fields, shapes, parts):
    found = faults(f"crop_param {{ {fields} }}", *shapes)
    assert len(found) == len(parts)
    for (_, message), part in zip(found, parts, strict=True):
        assert part in message
