"""DepthwiseConvolution and ConvolutionDepthwise against a loop, and how they read their fields."""

import numpy as np
import pytest
import torch

import netdef

TYPES = ("DepthwiseConvolution", "ConvolutionDepthwise")


def net(kind: str, fields: str, shape: tuple[int, ...] = (2, 3, 6, 7), bottoms: int = 1) -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    inputs = "".join(
        f'layer {{ name: "x{i}" type: "Input" top: "x{i}" input_param {{ shape {{ {dims} }} }} }}\n'
        for i in range(bottoms)
    )
    names = "".join(f' bottom: "x{i}" top: "y{i}"' for i in range(bottoms))
    return f'{inputs}layer {{ name: "d" type: "{kind}"{names} convolution_param {{ {fields} }} }}'


def program(kind: str, fields: str, shape: tuple[int, ...] = (2, 3, 6, 7), bottoms: int = 1):
    exe = netdef.compile(netdef.loads(net(kind, fields, shape, bottoms)), device="cpu")
    generator = torch.Generator().manual_seed(0)
    for param in exe.params["d"]:
        torch.nn.init.normal_(param, generator=generator)
    return exe


def by_channel(x, weight, bias, stride, pad, dilation):
    """Every output by itself."""
    kernel = weight.shape[2:]
    sizes = [
        (x.shape[2 + i] + 2 * pad[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i in (0, 1)
    ]
    padded = np.pad(x.astype(float), [(0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2])
    y = np.zeros((*x.shape[:2], *sizes))
    for n, c, i, j in np.ndindex(y.shape):
        for a, b in np.ndindex(*kernel):
            row, column = i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1]
            y[n, c, i, j] += padded[n, c, row, column] * weight[c, 0, a, b]
    return y if bias is None else y + bias[:, None, None]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    ("fields", "stride", "pad", "dilation"),
    [
        ("kernel_size: 3 pad: 1 stride: 2", (2, 2), (1, 1), (1, 1)),
        ("kernel_h: 2 kernel_w: 3 pad_h: 1 pad_w: 0", (1, 1), (1, 0), (1, 1)),
        ("kernel_size: 3 kernel_size: 2 dilation: 2 bias_term: false", (1, 1), (0, 0), (2, 2)),
        ("kernel_size: 1 stride_h: 2 stride_w: 3", (2, 3), (0, 0), (1, 1)),
    ],
)
def test_definition(kind, fields, stride, pad, dilation):
    exe = program(kind, fields)
    weight, *bias = (p.detach().numpy() for p in exe.params["d"])
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 7)).astype(np.float32)
    expected = by_channel(x, weight, bias[0] if bias else None, stride, pad, dilation)
    y = exe({"x0": x})["y0"].detach().numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", TYPES)
def test_gradients(kind):
    exe = program(kind, "kernel_size: 2 stride: 2 pad: 1", (1, 2, 3, 4)).double()
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)

    def run(x: torch.Tensor, *params: torch.Tensor) -> torch.Tensor:
        del params
        return exe({"x0": x})["y0"]

    assert torch.autograd.gradcheck(run, (x, *exe.params["d"]))


@pytest.mark.parametrize("kind", TYPES)
def test_the_weights_are_those_of_a_grouped_convolution(kind):
    exe = program(kind, "kernel_size: 3 stride: 2")
    fields = "kernel_size: 3 stride: 2 num_output: 3 group: 3"
    other = program("Convolution", fields)
    x = torch.randn(2, 3, 9, 9)
    for mine, theirs in zip(exe.params["d"], other.params["d"], strict=True):
        assert mine.shape == theirs.shape
        theirs.data.copy_(mine)
    torch.testing.assert_close(exe({"x0": x})["y0"], other({"x0": x})["y0"])


@pytest.mark.parametrize("kind", TYPES)
def test_what_follows_is_folded_into_it(kind):
    text = (
        net(kind, "kernel_size: 3")
        + """
        layer { name: "s" type: "Scale" bottom: "y0" top: "s" scale_param { bias_term: true } }"""
    )
    exe = netdef.compile(netdef.loads(text), device="cpu")
    for param in (*exe.params["d"], *exe.params["s"]):
        torch.nn.init.normal_(param)
    x = torch.randn(2, 3, 6, 7)
    smaller = exe.optimized()
    assert [layer.name for layer in smaller.net.layers][1:] == ["d"]
    torch.testing.assert_close(smaller({"x0": x})["s"], exe({"x0": x})["s"].detach())


def test_several_bottoms_share_the_weight():
    exe = program("DepthwiseConvolution", "kernel_size: 2 bias_term: false", bottoms=2)
    x = torch.randn(2, 3, 6, 7)
    results = exe({"x0": x, "x1": 2 * x})
    torch.testing.assert_close(2 * results["y0"], results["y1"])
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net("ConvolutionDepthwise", "kernel_size: 2", bottoms=2))
    assert {d.rule for d in caught.value.diagnostics} == {"bottom-count", "top-count"}


@pytest.mark.parametrize("field", ["num_output", "group"])
def test_what_is_not_the_number_of_channels(field):
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net("DepthwiseConvolution", f"kernel_size: 3 {field}: 6"))
    (fault,) = caught.value.diagnostics
    assert f"`{field}` is 6" in fault.message
    assert "of 3 channels has 3" in fault.message
    loaded = netdef.loads(net("ConvolutionDepthwise", f"kernel_size: 3 {field}: 6"))
    (warning,) = loaded.diagnostics
    assert warning.rule == "ignored-field"
    assert f"`{field}` has no effect" in warning.message
    assert loaded.blobs["y0"].shape == (2, 3, 4, 5)
    for kind in TYPES:
        assert not netdef.loads(net(kind, f"kernel_size: 3 {field}: 3")).diagnostics


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    ("fields", "shape", "part"),
    [
        ("", (2, 3, 6, 7), "needs `kernel_size`"),
        ("kernel_size: 3", (2, 3, 6), "takes (N, C, H, W), not 3 axes"),
        ("kernel_size: 7", (2, 3, 6, 7), "a window of 7 along axis 2 does not fit into 6"),
    ],
)
def test_faults(kind, fields, shape, part):
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(kind, fields, shape))
    assert part in caught.value.diagnostics[0].message


def test_an_axis_that_is_not_that_of_the_channels():
    with pytest.raises(netdef.NetdefError, match="the channels are at 1 here"):
        netdef.loads(net("DepthwiseConvolution", "kernel_size: 3 axis: 2"))
    (warning,) = netdef.loads(net("ConvolutionDepthwise", "kernel_size: 3 axis: 2")).diagnostics
    assert "`axis` has no effect" in warning.message
