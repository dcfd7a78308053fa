"""ArgMax against its definition: ties, and what is given."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("ArgMax"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


def by_definition(values, top_k):
    """The indices of the largest, of equal ones the larger index first."""
    return sorted(range(len(values)), key=lambda i: (values[i], i), reverse=True)[:top_k]


@pytest.mark.parametrize("top_k", [1, 2, 5])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("values", [False, True])
def test_along_an_axis(top_k, axis, values):
    shape = (5, 6, 7)
    x = np.random.default_rng(0).integers(0, 4, shape).astype(np.float32)  # full of ties
    fields = f"axis: {axis} top_k: {top_k} out_max_val: {str(values).lower()}"
    exe = compiled(f"argmax_param {{ {fields} }}", shape)
    y = exe({"in0": x})["out0"].numpy()
    lines = np.moveaxis(x, axis, -1)
    expected = np.empty((*lines.shape[:-1], top_k), np.float32)
    for place in np.ndindex(lines.shape[:-1]):
        indices = by_definition(lines[place], top_k)
        expected[place] = lines[place][indices] if values else indices
    np.testing.assert_array_equal(y, np.moveaxis(expected, -1, axis))


@pytest.mark.parametrize("shape", [(4,), (3, 6), (3, 4, 2), (2, 3, 2, 2), (2, 2, 2, 2, 2)])
@pytest.mark.parametrize("values", [False, True])
def test_of_whole_items(shape, values):
    top_k = 1 if len(shape) == 1 else 3
    x = np.random.default_rng(1).integers(0, 3, shape).astype(np.float32)
    fields = f"top_k: {top_k} out_max_val: {str(values).lower()}"
    y = compiled(f"argmax_param {{ {fields} }}", shape)({"in0": x})["out0"].numpy()
    flat = x.reshape(shape[0], -1)
    for item, row in enumerate(flat):
        indices = by_definition(row, top_k)
        expected = [indices, row[indices]] if values else [indices]
        np.testing.assert_array_equal(y[item].reshape(len(expected), top_k), expected)
    assert y.shape == (shape[0], 1 + values, top_k, *[1] * (len(shape) - 3))


@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize("fields", ["", "axis: 1", "out_max_val: true", "axis: 0"])
def test_onnx_breaks_ties_alike(tmp_path, top_k, fields):
    shape = (4, 6)
    text = Example(f"argmax_param {{ {fields} top_k: {top_k} }}", ins=[shape], outs=[()])
    net = netdef.loads(text.prototxt("ArgMax"))
    path = tmp_path / "net.onnx"
    netdef.export_onnx(net, path)
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    exe = netdef.compile(net, device="cpu")
    for seed in range(5):
        x = np.random.default_rng(seed).integers(0, 2, shape).astype(np.float32)
        (actual,) = session.run(None, {"in0": x})
        np.testing.assert_array_equal(actual, exe({"in0": x})["out0"].numpy())


@pytest.mark.parametrize("fields", ["", "axis: 1", "axis: 1 out_max_val: true"])
def test_nothing_gets_a_gradient(fields):
    exe = compiled(f"argmax_param {{ {fields} }}", (2, 3))
    x = torch.randn(2, 3, requires_grad=True)
    assert not exe({"in0": x})["out0"].requires_grad


def test_half_precision_holds_large_indices():
    exe = netdef.compile(
        netdef.loads(
            """
            layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
            layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
                    inner_product_param { num_output: 1000 } }
            layer { name: "y" type: "ArgMax" bottom: "ip" top: "y" }
            """
        ),
        device="cpu",
        precision="bf16",
    )
    assert exe({"x": np.ones((1, 2), np.float32)})["y"].item() == 999.0  # all are 0


@pytest.mark.parametrize(
    ("fields", "shape", "part"),
    [
        ("top_k: 7", (2, 3, 2), "from 1 to the number of values, 6, not 7"),
        ("top_k: 0", (2, 3), "not 0"),
        ("axis: 1 top_k: 4", (2, 3, 5), "number of values, 3, not 4"),
        ("axis: 2", (2, 3), "`axis` is 2, but the input has 2 axes"),
        ("", (), "needs an axis for the batch"),
    ],
)
def test_what_is_refused(fields, shape, part):
    ((_, message),) = faults(f"argmax_param {{ {fields} }}", shape)
    assert part in message
