"""Clip at its limits, and what it refuses."""

import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("Clip")
    return netdef.compile(netdef.loads(text), device="cpu")


def test_the_gradient_passes_at_the_limits():
    x = torch.tensor([-1.1, -1.0, 0.0, 2.0, 2.1], requires_grad=True)
    y = executable("clip_param { min: -1 max: 2 }", (5,))({"in0": x})["out0"]
    y.sum().backward()
    assert y.tolist() == [-1.0, -1.0, 0.0, 2.0, 2.0]
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_gradients():
    x = torch.linspace(-3, 3, 12, dtype=torch.float64, requires_grad=True)
    exe = executable("clip_param { min: -0.5 max: 0.8 }", (12,)).double()
    assert torch.autograd.gradcheck(lambda x: exe({"in0": x})["out0"], x)


@pytest.mark.parametrize("low", ["1", "nan"])
def test_limits_the_wrong_way_round_are_refused(low):
    with pytest.raises(NetdefError) as caught:
        executable(f"clip_param {{ min: {low} max: 0.5 }}")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == f"`min` must not be above `max`, but they are {low} and 0.5"
    assert [label.message for label in diagnostic.labels] == ["`max` is given here"]


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ("", ["min", "max"]),
        ("clip_param { min: 0 }", ["max"]),
        ("clip_param { max: 0 }", ["min"]),
    ],
)
def test_both_limits_are_needed(fields, missing):
    with pytest.raises(NetdefError) as caught:
        executable(fields)
    assert [d.message for d in caught.value.diagnostics] == [f"Clip needs `{m}`" for m in missing]
    assert {d.rule for d in caught.value.diagnostics} == {"missing-field"}
