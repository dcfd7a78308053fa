"""MVN against its definition."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("MVN"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


def by_definition(x, variance, across, eps):
    """One channel, or one item, after another; what each was divided by, and where they are."""
    x = x.reshape(x.shape + (1,) * (4 - x.ndim))
    y, divisors = np.empty_like(x), np.empty_like(x)
    places = [(i,) for i in range(x.shape[0])] if across else list(np.ndindex(x.shape[:2]))
    for place in places:
        centred = x[place] - x[place].mean()
        divisors[place] = np.sqrt((centred**2).mean()) + eps if variance else 1.0
        y[place] = centred / divisors[place]
    return y, divisors, places


CASES = [
    (variance, across, eps)
    for variance in (True, False)
    for across in (True, False)
    for eps in (1e-9, 0.3)
]


@pytest.mark.parametrize(("variance", "across", "eps"), CASES)
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 6), (3, 4), (5,)])
def test_values_and_caffes_gradient(shape, variance, across, eps):
    fields = (
        f"normalize_variance: {str(variance).lower()} across_channels: {str(across).lower()} "
        f"eps: {eps}"
    )
    exe = compiled(f"mvn_param {{ {fields} }}", shape).double()
    rng = np.random.default_rng(0)
    values = rng.standard_normal(shape)
    x = torch.tensor(values, requires_grad=True)
    y = exe({"in0": x})["out0"]
    eps = float(np.float32(eps))  # as the message holds it
    expected, divisors, places = by_definition(values, variance, across, eps)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6, atol=1e-9)
    dy = rng.standard_normal(expected.shape)
    y.backward(torch.tensor(dy))
    dx = np.empty_like(expected)
    for place in places:
        dx[place] = dy[place] - dy[place].mean()
        if variance:
            dx[place] -= expected[place] * (expected[place] * dy[place]).mean()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), (dx / divisors).reshape(shape), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("fields", ["", "across_channels: true", "normalize_variance: false"])
def test_gradients_by_differences(fields):
    exe = compiled(f"mvn_param {{ {fields} }}", (2, 3, 2, 3)).double()
    x = torch.randn(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: exe({"in0": v})["out0"], x)


def test_equal_values_become_0_with_a_finite_gradient():
    exe = compiled("", (1, 2, 2, 2))
    x = torch.full((1, 2, 2, 2), 3.0, requires_grad=True)
    y = exe({"in0": x})["out0"]
    y.sum().backward()
    assert x.grad is not None
    assert not y.any()
    assert torch.isfinite(x.grad).all()


def test_half_precision_keeps_eps_and_the_type():
    op = netdef.compile(
        netdef.loads(Example("", ins=[(1, 1, 4)], outs=[()]).prototxt("MVN")), device="cpu"
    ).layers["layer_example"]
    y = op(torch.tensor([[[1.0, 1.0, 1.0, 1.0]]], dtype=torch.float16))
    assert y.dtype == torch.float16
    assert not y.any()


def test_eps_has_no_effect_without_variance():
    text = Example("mvn_param { normalize_variance: false eps: 1 }", ins=[(2, 3)], outs=[()])
    assert [d.rule for d in netdef.loads(text.prototxt("MVN")).diagnostics] == ["ignored-field"]


@pytest.mark.parametrize(
    ("fields", "shape", "part"),
    [
        ("eps: -0.5", (2, 3), "`eps` must not be negative, but is -0.5"),
        ("", (1, 2, 3, 4, 5), "not 5 axes"),
    ],
)
def test_what_is_refused(fields, shape, part):
    ((_, message),) = faults(f"mvn_param {{ {fields} }}", shape)
    assert part in message
