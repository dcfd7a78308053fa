"""Reduction against numpy."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Reduction"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


OPERATIONS = {
    "SUM": lambda x, axes: x.sum(axes),
    "ASUM": lambda x, axes: np.abs(x).sum(axes),
    "SUMSQ": lambda x, axes: (x * x).sum(axes),
    "MEAN": lambda x, axes: x.mean(axes),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("coeff", [1.0, -2.5, 0.0])
def test_all_axes_from_one_on(operation, axis, coeff):
    fields = f"operation: {operation} axis: {axis} coeff: {coeff}"
    exe = compiled(f"reduction_param {{ {fields} }}", (2, 3, 4))
    x = np.random.default_rng(0).standard_normal((5, 3, 4)).astype(np.float32)  # another batch
    expected = coeff * OPERATIONS[operation](x, tuple(range(axis % 3, 3)))
    np.testing.assert_allclose(exe({"in0": x})["out0"].numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gradients(operation, axis):
    fields = f"operation: {operation} axis: {axis} coeff: 1.5"
    exe = compiled(f"reduction_param {{ {fields} }}", (2, 3, 2)).double()
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: exe({"in0": v})["out0"], x)


def test_the_gradient_of_a_magnitude_is_0_at_0():
    exe = compiled("reduction_param { operation: ASUM }", (3,))
    x = torch.tensor([0.0, -2.0, 3.0], requires_grad=True)
    exe({"in0": x})["out0"].backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, -1.0, 1.0]


def test_half_precision_sums_in_single():
    text = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
                inner_product_param { num_output: 3000 weight_filler { value: 300 } } }
        layer { name: "y" type: "Reduction" bottom: "ip" top: "y"
                reduction_param { operation: SUMSQ } }
    """
    exe = netdef.compile(netdef.loads(text), device="cpu", precision="fp16")
    assert exe({"x": np.ones((1, 1), np.float32)})["y"].item() == 3000 * 300.0**2


@pytest.mark.parametrize(("axis", "shape"), [(3, (2, 3, 4)), (-4, (2, 3, 4)), (0, ())])
def test_an_axis_that_is_not_there(axis, shape):
    ((_, message),) = faults(f"reduction_param {{ axis: {axis} }}", shape)
    assert message == f"`axis` is {axis}, but the input has {len(shape)} axes"
