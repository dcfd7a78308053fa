"""Embed: gradients, and indices that are out of range."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Embed"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


TEXT = "embed_param { num_output: 4 input_dim: 5 weight_filler { type: 'gaussian' } }"


def test_gradients_of_equal_indices_are_added():
    exe = compiled(TEXT, (2, 3)).double()
    weight, bias = exe.params["example"]
    x = np.array([[0.0, 2.0, 2.0], [4.0, 2.0, 0.0]])
    y = exe({"in0": x})["out0"]
    torch.testing.assert_close(y, weight[x.astype(int)] + bias)
    factor = torch.randn(y.shape, dtype=torch.float64)
    (y * factor).sum().backward()
    expected = np.zeros((5, 4))
    for place in np.ndindex(x.shape):
        expected[int(x[place])] += factor[place].numpy()
    assert weight.grad is not None
    np.testing.assert_allclose(weight.grad.numpy(), expected, rtol=1e-12)
    assert bias.grad is not None
    np.testing.assert_allclose(bias.grad.numpy(), factor.sum((0, 1)).numpy(), rtol=1e-12)


def test_gradients_by_differences():
    exe = compiled(TEXT, (3,)).double()
    x = torch.tensor([1.0, 1.0, 4.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda *_: exe({"in0": x})["out0"], exe.params["example"])


def test_indices_get_no_gradient():
    exe = compiled(TEXT, (3,))
    x = torch.zeros(3, requires_grad=True)
    exe({"in0": x})["out0"].sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("wrong", [5.0, -1.0, float("nan"), 1e9])
def test_an_index_out_of_range_is_an_error(wrong):
    exe = compiled(TEXT, (2,))
    with pytest.raises(NetdefError) as caught:
        exe({"in0": np.array([0.0, wrong], np.float32)})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.rule == "bad-index"


def test_mixed_precision():
    net = netdef.loads(Example(TEXT, ins=[(2,)], outs=[()]).prototxt("Embed"))
    exe = netdef.compile(net, device="cpu", precision="bf16")
    exe({"in0": np.zeros(2, np.float32)})["out0"].sum().backward()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("num_output: 2", [("missing-field", "Embed needs `input_dim`")]),
        (
            "num_output: 0 input_dim: 0",
            [
                ("bad-value", "`num_output` must be at least 1, not 0"),
                ("bad-value", "`input_dim` must be at least 1, not 0"),
            ],
        ),
    ],
)
def test_what_is_refused(fields, expected):
    assert faults(f"embed_param {{ {fields} }}", (2,)) == expected


def test_a_filler_without_a_bias_has_no_effect():
    text = "embed_param { num_output: 2 input_dim: 3 bias_term: false bias_filler { value: 1 } }"
    net = netdef.loads(Example(text, ins=[(2,)], outs=[()]).prototxt("Embed"))
    assert [d.rule for d in net.diagnostics] == ["ignored-field"]
