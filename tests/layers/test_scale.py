"""Scale against its definition, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError


def net_text(shapes: list[tuple[int, ...]], fields: str = "") -> str:
    lines = [
        f'layer {{ name: "x{i}" type: "Input" top: "x{i}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }"
        for i, shape in enumerate(shapes)
    ]
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    lines.append(
        f'layer {{ name: "s" type: "Scale" {bottoms} top: "y" scale_param {{ {fields} }} }}'
    )
    return "\n".join(lines)


def executable(shapes, fields=""):
    return netdef.compile(netdef.loads(net_text(shapes, fields)), device="cpu")


def by_definition(x, factor, bias, axis):
    """Every index by itself."""
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        part = index[axis : axis + factor.ndim] if factor.ndim else ()
        y[index] = x[index] * factor[part] + (0 if bias is None else bias[part])
    return y


LEARNED = [
    ((2, 3, 4), "", 1, (3,)),
    ((2, 3, 4), "axis: 0", 0, (2,)),
    ((2, 3, 4), "axis: -1", 2, (4,)),
    ((2, 3, 4, 2), "axis: 1 num_axes: 2", 1, (3, 4)),
    ((2, 3, 4), "axis: 0 num_axes: -1", 0, (2, 3, 4)),
    ((2, 3, 4), "axis: -2 num_axes: -1", 1, (3, 4)),
    ((2, 3), "num_axes: 0", 0, ()),
    ((5,), "num_axes: 0", 0, ()),
    ((2, 2, 2), "axis: 2", 2, (2,)),
]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("shape", "fields", "axis", "spanned"), LEARNED)
def test_a_learned_factor(shape, fields, axis, spanned, bias):
    exe = executable([shape], fields + f" bias_term: {str(bias).lower()}")
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(p.shape).astype(np.float32) for p in exe.params["s"]]
    assert [v.shape for v in values] == [spanned] * (2 if bias else 1)
    with torch.no_grad():
        for tensor, array in zip(exe.params["s"], values, strict=True):
            tensor.copy_(torch.from_numpy(np.asarray(array)))
    x = rng.standard_normal(shape).astype(np.float32)
    expected = by_definition(x, values[0], values[1] if bias else None, axis)
    np.testing.assert_allclose(exe({"x0": x})["y"].detach().numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("x_shape", "factor_shape", "axis"),
    [
        ((2, 3, 4), (2,), 0),
        ((2, 3, 4), (2, 3), 0),
        ((2, 3, 4), (2, 3, 4), 0),
        ((2, 3, 4), (3,), 1),
        ((2, 3, 4), (3, 4), -2),
        ((2, 3, 4), (), 1),
        ((3, 3), (3,), -2),
    ],
)
def test_the_second_bottom_is_the_factor(x_shape, factor_shape, axis, bias):
    exe = executable(
        [x_shape, factor_shape], f"axis: {axis} num_axes: 7 bias_term: {str(bias).lower()}"
    )
    assert [tuple(p.shape) for p in exe.params.get("s", [])] == ([factor_shape] if bias else [])
    rng = np.random.default_rng(1)
    x = rng.standard_normal(x_shape).astype(np.float32)
    factor = np.asarray(rng.standard_normal(factor_shape), np.float32)
    shift = np.full(factor_shape, 0.5, np.float32) if bias else None
    if bias:
        with torch.no_grad():
            exe.params["s"][0].fill_(0.5)
    y = exe({"x0": x, "x1": torch.tensor(factor)})["y"].detach().numpy()
    expected = by_definition(x, factor, shift, axis % x.ndim)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_it_starts_as_the_identity_or_as_the_fillers_say():
    weight, bias = executable([(2, 3)], "bias_term: true").params["s"]
    assert weight.tolist() == [1.0] * 3
    assert bias.tolist() == [0.0] * 3
    fields = "bias_term: true filler { value: 2 } bias_filler { value: -1 }"
    weight, bias = executable([(2, 3)], fields).params["s"]
    assert weight.tolist() == [2.0] * 3
    assert bias.tolist() == [-1.0] * 3


def test_another_batch_size_may_be_fed():
    exe = executable([(2, 3, 4, 5)], "bias_term: true")
    x = np.ones((7, 3, 2, 1), np.float32)
    np.testing.assert_array_equal(exe({"x0": x})["y"].detach().numpy(), x)


def test_both_bottoms_may_be_one():
    text = net_text([(2, 3)], "axis: 0").replace('bottom: "x0"', 'bottom: "x0" bottom: "x0"')
    exe = netdef.compile(netdef.loads(text), device="cpu")
    x = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 4.0]], requires_grad=True)
    y = exe({"x0": x})["y"]
    y.sum().backward()
    assert torch.equal(y.detach(), (x * x).detach())
    assert torch.equal(x.grad, 2 * x.detach())


@pytest.mark.parametrize(
    ("shapes", "fields"),
    [
        ([(2, 3, 2)], "bias_term: true"),
        ([(2, 3, 2)], "num_axes: 0 bias_term: true"),
        ([(2, 3, 2), (2, 3)], "axis: 0 bias_term: true"),
        ([(2, 3), ()], ""),
    ],
)
def test_gradients(shapes, fields):
    exe = executable(shapes, fields).double()
    feeds = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]

    def run(*tensors: torch.Tensor) -> torch.Tensor:
        return exe({f"x{i}": tensors[i] for i in range(len(shapes))})["y"]

    assert torch.autograd.gradcheck(run, (*feeds, *exe.params.get("s", [])))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_keeps_the_type_it_is_given(precision):
    text = net_text([(2, 3)], "bias_term: true").replace('bottom: "x0"', 'bottom: "ip"')
    ip = (
        'layer { name: "ip" type: "InnerProduct" bottom: "x0" top: "ip" '
        'inner_product_param { num_output: 4 } }\nlayer { name: "s"'
    )
    net = netdef.loads(text.replace('layer { name: "s"', ip))
    exe = netdef.compile(net, device="cpu", precision=precision)
    blobs = exe.run({"x0": np.ones((2, 3), np.float32)}, ["ip", "y"])
    assert blobs["y"].dtype == blobs["ip"].dtype != torch.float32


@pytest.mark.parametrize(
    ("shapes", "fields", "part"),
    [
        ([(2, 3)], "axis: 2", "`axis` is 2, but the input has 2 axes"),
        ([(2, 3)], "num_axes: 2", "2 axes from axis 1 on, but the input has 2 axes"),
        ([(2, 3)], "num_axes: -2", "`num_axes` is -2"),
        ([(2, 3, 4), (4,)], "", "the factor has the shape (4,)"),
        ([(2, 3), (3, 1)], "", "the factor has the shape (3, 1)"),
        ([(2, 3, 4), (1,)], "", "the factor has the shape (1,)"),
    ],
)
def test_what_does_not_fit_is_refused(shapes, fields, part):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(shapes, fields))
    (diagnostic,) = caught.value.diagnostics
    assert part in diagnostic.message
    assert diagnostic.span is not None
