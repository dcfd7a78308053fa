"""MatMul against sums of products."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("MatMul"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


def by_definition(a, b):
    """One index after another."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, (*batch, *a.shape[-2:]))
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    c = np.empty((*batch, a.shape[-2], b.shape[-1]))
    for *place, row, column in np.ndindex(c.shape):
        where = tuple(place)
        c[(*where, row, column)] = sum(
            a[(*where, row, k)] * b[(*where, k, column)] for k in range(a.shape[-1])
        )
    return c


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize(
    ("batch_a", "batch_b"), [((), ()), ((2,), (2,)), ((2, 3), (2, 3)), ((2,), ()), ((2, 1), (3,))]
)
def test_values_and_gradients(batch_a, batch_b, transpose_a, transpose_b):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((*batch_a, 3, 4)), rng.standard_normal((*batch_b, 4, 2))
    expected = by_definition(a, b)
    a = np.swapaxes(a, -1, -2) if transpose_a else a
    b = np.swapaxes(b, -1, -2) if transpose_b else b
    fields = f"transpose_a: {str(transpose_a).lower()} transpose_b: {str(transpose_b).lower()}"
    exe = compiled(f"matmul_param {{ {fields} }}", a.shape, b.shape).double()
    assert exe.net.blobs["out0"].shape == expected.shape
    bottoms = [torch.tensor(v.copy(), requires_grad=True) for v in (a, b)]

    def run(first, second):
        return exe({"in0": first, "in1": second})["out0"]

    np.testing.assert_allclose(run(*bottoms).detach().numpy(), expected, rtol=1e-10)
    assert torch.autograd.gradcheck(run, bottoms)


def test_attention():
    sizes = "shape { dim: 1 dim: 2 dim: 3 dim: 4 }"
    inputs = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ {sizes} }} }}'
        for name in "qkv"
    )
    layers = """
        layer { name: "s" type: "MatMul" bottom: "q" bottom: "k" top: "s"
                matmul_param { transpose_b: true } }
        layer { name: "p" type: "Power" bottom: "s" top: "p" power_param { scale: 0.5 } }
        layer { name: "w" type: "Softmax" bottom: "p" top: "w" softmax_param { axis: -1 } }
        layer { name: "y" type: "MatMul" bottom: "w" bottom: "v" top: "y" }
    """
    exe = netdef.compile(netdef.loads(inputs + layers), device="cpu")
    q, k, v = torch.randn(3, 5, 2, 6, 4)  # another batch, another length
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(exe({"q": q, "k": k, "v": v})["y"], expected)


@pytest.mark.parametrize(
    ("fields", "shapes", "part"),
    [
        ("", [(2, 3, 4), (2, 3, 4)], "a matrix of 3 x 4 cannot be multiplied by one of 3 x 4"),
        ("transpose_a: true", [(3, 4), (4, 5)], "a matrix of 4 x 3"),
        ("", [(2, 3, 4), (3, 4, 5)], "axis 0 of the batch is 2 in `in0` and 3 in `in1`"),
        ("", [(4,), (4, 5)], "`in0` has the shape (4)"),
    ],
)
def test_what_does_not_fit_is_refused(fields, shapes, part):
    ((rule, message),) = faults(f"matmul_param {{ {fields} }}", *shapes)
    assert rule == "shape-mismatch"
    assert part in message
