"""LayerNorm against its definition."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("LayerNorm"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    ("shape", "axis"), [((2, 3, 4), 1), ((2, 3, 4), -1), ((2, 3, 2, 4), 2), ((3, 4), 0), ((5,), 0)]
)
def test_values_and_gradients(shape, axis, affine):
    fields = f"axis: {axis} eps: 0.5 elementwise_affine: {str(affine).lower()}"
    exe = compiled(f"layer_norm_param {{ {fields} }}", shape).double()
    rng = np.random.default_rng(0)
    weights = exe.params.get("example", [])
    assert [tuple(w.shape) for w in weights] == [shape[axis % len(shape) :]] * (2 if affine else 0)
    for weight in weights:
        with torch.no_grad():
            weight.copy_(torch.from_numpy(rng.standard_normal(tuple(weight.shape))))
    x = rng.standard_normal(shape)
    expected = np.empty(shape)
    for place in np.ndindex(shape[: axis % len(shape)]):
        values = x[place]
        variance = ((values - values.mean()) ** 2).mean()
        expected[place] = (values - values.mean()) / np.sqrt(variance + 0.5)
        if affine:
            factor, shift = (w.detach().numpy() for w in weights)
            expected[place] = expected[place] * factor + shift
    y = exe({"in0": x})["out0"].detach().numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)
    bottom = torch.tensor(x, requires_grad=True)
    run = lambda v, *_: exe({"in0": v})["out0"]  # noqa: E731
    assert torch.autograd.gradcheck(run, (bottom, *weights))


def test_it_starts_without_effect():
    weight, bias = compiled("", (2, 3)).params["example"]
    assert weight.tolist() == [1.0] * 3
    assert bias.tolist() == [0.0] * 3


def test_other_sizes_without_weights():
    exe = compiled("layer_norm_param { elementwise_affine: false }", (2, 3, 4))
    assert exe({"in0": np.ones((5, 2, 9), np.float32)})["out0"].shape == (5, 2, 9)


def test_mixed_precision():
    text = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
                inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
        layer { name: "y" type: "LayerNorm" bottom: "ip" top: "y" }
    """
    exe = netdef.compile(netdef.loads(text), device="cpu", precision="bf16")
    exe({"x": np.ones((2, 3), np.float32)})["y"].sum().backward()


@pytest.mark.parametrize(
    ("fields", "shape", "parts"),
    [
        ("axis: 3 eps: -1", (2, 3, 4), ["`axis` is 3", "`eps` must not be negative, but is -1"]),
        ("", (3,), ["`axis` is 1, but the input has 1 axes"]),
    ],
)
def test_what_is_refused(fields, shape, parts):
    found = faults(f"layer_norm_param {{ {fields} }}", shape)
    assert len(found) == len(parts)
    for (_, message), part in zip(found, parts, strict=True):
        assert part in message
