"""PReLU: where its slope comes from and lies, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("PReLU")
    return netdef.compile(netdef.loads(text), device="cpu")


def by_definition(x: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    y = x.copy()
    for index in np.ndindex(x.shape):
        if x[index] <= 0:
            y[index] = x[index] * (slopes[index[1]] if slopes.ndim else slopes)
    return y


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 2, 2)])
def test_by_definition_at_every_rank(shape, shared):
    exe = executable(f"prelu_param {{ channel_shared: {str(shared).lower()} }}", shape)
    (weight,) = exe.params["example"]
    assert tuple(weight.shape) == (() if shared else (3,))
    draw = np.random.default_rng(0)
    slopes = np.asarray(draw.standard_normal(weight.shape), np.float32)
    with torch.no_grad():
        weight.copy_(torch.from_numpy(slopes))
    x = draw.standard_normal((7, *shape[1:])).astype(np.float32)  # another batch size
    y = exe({"in0": x})["out0"].detach().numpy()
    np.testing.assert_allclose(y, by_definition(x, slopes), rtol=1e-5)


def test_it_starts_at_a_quarter_or_as_the_filler_says():
    assert executable().params["example"][0].tolist() == [0.25] * 3
    fields = "prelu_param { channel_shared: true filler { value: 0.5 } }"
    assert executable(fields).params["example"][0].item() == 0.5


@pytest.mark.parametrize("shared", ["true", "false"])
def test_gradients(shared):
    exe = executable(f"prelu_param {{ channel_shared: {shared} }}").double()
    x = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (weight,) = exe.params["example"]

    def run(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        del weight  # the one in the program
        return exe({"in0": x})["out0"]

    assert torch.autograd.gradcheck(run, (x.requires_grad_(), weight))


def test_at_zero_the_slope_counts_but_learns_nothing():
    exe = executable(shape=(1, 1))
    x = torch.zeros(1, 1, requires_grad=True)
    exe({"in0": x})["out0"].sum().backward()
    (weight,) = exe.params["example"]
    assert x.grad is not None
    assert weight.grad is not None
    assert x.grad.item() == 0.25
    assert weight.grad.item() == 0.0


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("shared", ["true", "false"])
def test_mixed_precision_keeps_the_type_it_is_given(precision, shared):
    text = Example(f"prelu_param {{ channel_shared: {shared} }}", [(2, 4)], [(2, 4)])
    ip = (
        'layer { name: "ip" type: "InnerProduct" bottom: "in0" top: "ip" '
        'inner_product_param { num_output: 4 } }\nlayer { name: "example"'
    )
    prototxt = text.prototxt("PReLU").replace('bottom: "in0"', 'bottom: "ip"')
    net = netdef.loads(prototxt.replace('layer { name: "example"', ip))
    exe = netdef.compile(net, device="cpu", precision=precision)
    blobs = exe.run({"in0": np.ones((2, 4), np.float32)}, ["ip", "out0"])
    assert blobs["out0"].dtype == blobs["ip"].dtype != torch.float32


def test_channels_are_needed():
    with pytest.raises(NetdefError) as caught:
        executable(shape=(5,))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.rule == "shape-mismatch"
    assert diagnostic.message == "PReLU needs a batch axis and channels, not the shape (5)"
