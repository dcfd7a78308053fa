"""Bias against its definition, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Bias"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


def by_definition(x, bias, axis):
    """Every index by itself."""
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        y[index] = x[index] + bias[index[axis : axis + bias.ndim] if bias.ndim else ()]
    return y


@pytest.mark.parametrize(
    ("shape", "fields", "axis", "spanned"),
    [
        ((2, 3, 4), "", 1, (3,)),
        ((3, 3, 3), "axis: 0", 0, (3,)),
        ((2, 4, 4), "axis: -1", 2, (4,)),
        ((2, 3, 4, 2), "num_axes: 2", 1, (3, 4)),
        ((2, 3, 4), "axis: 0 num_axes: -1", 0, (2, 3, 4)),
        ((5,), "num_axes: 0", 0, ()),
    ],
)
def test_a_learned_bias(shape, fields, axis, spanned):
    exe = compiled(f"bias_param {{ {fields} }}", shape)
    rng = np.random.default_rng(0)
    bias = np.asarray(rng.standard_normal(spanned), np.float32)
    (parameter,) = exe.params["example"]
    assert parameter.shape == spanned
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(bias))
    x = rng.standard_normal(shape).astype(np.float32)
    y = exe({"in0": x})["out0"].detach().numpy()
    np.testing.assert_allclose(y, by_definition(x, bias, axis), rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "second", "axis"),
    [((3, 3, 4), (3,), 0), ((3, 3, 4), (3,), 1), ((2, 3, 4), (3, 4), -2), ((2, 3), (), 1)],
)
def test_the_second_bottom_is_the_bias(shape, second, axis):
    exe = compiled(f"bias_param {{ axis: {axis} }}", shape, second)
    assert exe.params.get("example", []) == []
    rng = np.random.default_rng(1)
    x, bias = (np.asarray(rng.standard_normal(s), np.float32) for s in (shape, second))
    y = exe({"in0": x, "in1": bias})["out0"].numpy()
    np.testing.assert_allclose(y, by_definition(x, bias, axis % len(shape)), rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "shapes"),
    [("", [(2, 3, 2)]), ("num_axes: 0", [(2, 3)]), ("axis: 0", [(2, 3, 2), (2, 3)])],
)
def test_gradients(fields, shapes):
    exe = compiled(f"bias_param {{ {fields} }}", *shapes).double()
    feeds = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]

    def run(*tensors):
        return exe({f"in{i}": tensors[i] for i in range(len(shapes))})["out0"]

    assert torch.autograd.gradcheck(run, (*feeds, *exe.params.get("example", [])))


def test_it_is_folded_into_the_convolution_before():
    text = """
        layer { name: "x" type: "Input" top: "x"
                input_param { shape { dim: 1 dim: 3 dim: 5 dim: 5 } } }
        layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
                convolution_param { num_output: 4 kernel_size: 3 weight_filler { value: 2 } } }
        layer { name: "bias" type: "Bias" bottom: "conv" top: "y"
                bias_param { filler { type: "gaussian" std: 1 } } }
    """
    exe = netdef.compile(netdef.loads(text), device="cpu")
    x = np.random.default_rng(2).standard_normal((1, 3, 5, 5)).astype(np.float32)
    folded = exe.optimized()
    assert [layer.type for layer in folded.net.layers] == ["Input", "Convolution"]
    torch.testing.assert_close(folded({"x": x})["y"], exe({"x": x})["y"].detach())


def test_fields_of_a_learned_bias_have_no_effect_on_a_second_bottom():
    text = Example("bias_param { num_axes: 2 filler { value: 1 } }", ins=[(2, 3), (3,)], outs=[()])
    warnings = netdef.loads(text.prototxt("Bias")).diagnostics
    assert [w.rule for w in warnings] == ["ignored-field"] * 2


@pytest.mark.parametrize(
    ("fields", "shapes", "part"),
    [
        ("axis: 2", [(2, 3)], "`axis` is 2, but the input has 2 axes"),
        ("num_axes: 2", [(2, 3)], "2 axes from axis 1 on, but the input has 2 axes"),
        ("num_axes: -2", [(2, 3)], "`num_axes` is -2"),
        ("", [(2, 3, 4), (4,)], "the bias has the shape (4,)"),
        ("", [(2, 3, 4), (1,)], "the bias has the shape (1,)"),
    ],
)
def test_what_does_not_fit_is_refused(fields, shapes, part):
    ((_, message),) = faults(f"bias_param {{ {fields} }}", *shapes)
    assert part in message
