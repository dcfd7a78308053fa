"""Normalize against its definition."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Normalize"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4), (2, 5)])
def test_values_and_ssds_gradient(shape, across, shared):
    fields = (
        f"across_spatial: {str(across).lower()} channel_shared: {str(shared).lower()} eps: 0.25"
    )
    exe = compiled(f"norm_param {{ {fields} }}", shape).double()
    (weight,) = exe.params["example"]
    assert weight.shape == (() if shared else shape[1:2])
    rng = np.random.default_rng(0)
    scale = np.asarray(rng.standard_normal(tuple(weight.shape)))
    with torch.no_grad():
        weight.copy_(torch.from_numpy(scale))
    values, dy = rng.standard_normal((2, *shape))
    x = torch.tensor(values, requires_grad=True)
    y = exe({"in0": x})["out0"]
    y.backward(torch.tensor(dy))

    axes = tuple(range(1, len(shape))) if across else (1,)
    scale = scale if shared else scale.reshape(-1, *[1] * (len(shape) - 2))
    norm = np.sqrt((values**2).sum(axes, keepdims=True) + 0.25)
    np.testing.assert_allclose(y.detach().numpy(), values / norm * scale, rtol=1e-10)
    along = (values * dy).sum(axes, keepdims=True) / norm**2
    expected = scale * (dy - values * along) / norm  # the scale comes last
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-10, atol=1e-12)
    expected = (values / norm * dy).sum(tuple(i for i in range(len(shape)) if shared or i != 1))
    assert weight.grad is not None
    np.testing.assert_allclose(weight.grad.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("across", ["true", "false"])
@pytest.mark.parametrize("shared", ["true", "false"])
def test_gradients_by_differences_where_all_channels_have_one_scale(across, shared):
    fields = f"across_spatial: {across} channel_shared: {shared} scale_filler {{ value: 3 }}"
    exe = compiled(f"norm_param {{ {fields} }}", (2, 3, 2)).double()
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    run = lambda v, w: exe({"in0": v})["out0"]  # noqa: E731
    assert torch.autograd.gradcheck(run, (x, *exe.params["example"]))


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_both_phases_are_alike(phase):
    text = Example("norm_param { across_spatial: false }", ins=[(1, 2, 1)], outs=[()])
    exe = netdef.compile(netdef.loads(text.prototxt("Normalize"), phase=phase), device="cpu")
    y = exe({"in0": np.array([[[3.0], [4.0]]], np.float32)})["out0"]
    np.testing.assert_allclose(y.detach().numpy(), [[[0.6], [0.8]]], rtol=1e-6)


def test_squares_of_half_precision_do_not_overflow():
    module = compiled("", (1, 2)).layers["layer_example"]
    y = module(torch.tensor([[300.0, 400.0]], dtype=torch.float16))
    assert y.dtype == torch.float16
    np.testing.assert_allclose(y.detach().float().numpy(), [[0.6, 0.8]], rtol=1e-3)


@pytest.mark.parametrize(
    ("fields", "shape", "part"),
    [
        ("eps: -1", (2, 3), "`eps` must not be negative, but is -1"),
        ("scale_filler { type: 'gausian' }", (2, 3), "`gausian` is not a filler"),
        ("", (3,), "needs channels"),
    ],
)
def test_what_is_refused(fields, shape, part):
    ((_, message),) = faults(f"norm_param {{ {fields} }}", shape)
    assert part in message
