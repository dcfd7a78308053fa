"""Im2col against its definition, for any number of axes."""

from itertools import product

import numpy as np
import pytest
import torch

import netdef


def net(fields: str, shape: tuple[int, ...]) -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    return (
        f'layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}\n'
        f'layer {{ name: "i" type: "Im2col" bottom: "x" top: "y"'
        f" convolution_param {{ {fields} }} }}"
    )


def columns(x, axis, kernel, stride, pad, dilation):
    """Value by value."""
    sizes = [
        (e + 2 * p - d * (k - 1) - 1) // s + 1
        for e, k, s, p, d in zip(x.shape[axis + 1 :], kernel, stride, pad, dilation, strict=True)
    ]
    y = np.zeros((*x.shape[:axis], x.shape[axis] * int(np.prod(kernel)), *sizes), x.dtype)
    taps = list(product(*map(range, kernel)))
    for batch in np.ndindex(x.shape[:axis]):
        for channel, (t, tap) in product(range(x.shape[axis]), enumerate(taps)):
            for place in np.ndindex(*sizes):
                at = [
                    i * s + j * d - p
                    for i, s, j, d, p in zip(place, stride, tap, dilation, pad, strict=True)
                ]
                if all(0 <= a < e for a, e in zip(at, x.shape[axis + 1 :], strict=True)):
                    row = channel * len(taps) + t
                    y[(*batch, row, *place)] = x[(*batch, channel, *at)]
    return y


@pytest.mark.parametrize(
    ("shape", "axis", "kernel", "stride", "pad", "dilation"),
    [
        ((2, 3, 5, 6), 1, (3, 2), (2, 1), (1, 0), (1, 2)),
        ((2, 2, 7), 1, (3,), (2,), (2,), (2,)),
        ((3, 4, 5), 0, (2, 2), (1, 1), (0, 1), (1, 1)),
        ((2, 2, 2, 4, 3), 2, (2, 3), (1, 1), (1, 1), (1, 1)),
        ((1, 2, 3, 4, 3), 1, (2, 1, 2), (1, 2, 1), (0, 0, 1), (1, 1, 2)),
    ],
)
def test_definition(shape, axis, kernel, stride, pad, dilation):
    names = ("kernel_size", "stride", "pad", "dilation")
    given = zip(names, (kernel, stride, pad, dilation), strict=True)
    fields = " ".join(f"{name}: {value}" for name, values in given for value in values)
    exe = netdef.compile(netdef.loads(net(f"{fields} axis: {axis}", shape)), device="cpu")
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = columns(x, axis, kernel, stride, pad, dilation)
    np.testing.assert_array_equal(exe({"x": x})["y"].numpy(), expected)


def test_gradient():
    text = net("kernel_size: 3 pad: 1 stride: 2", (1, 2, 4, 5))
    exe = netdef.compile(netdef.loads(text), device="cpu").double()
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: exe({"x": x})["y"], x)


def test_filters_are_a_convolution_behind_it():
    text = net("kernel_size: 3 stride: 2 pad: 1", (2, 3, 6, 7)).replace("Im2col", "Convolution")
    conv = text.replace("kernel_size", "num_output: 4 bias_term: false kernel_size")
    exe = netdef.compile(netdef.loads(conv), device="cpu")
    torch.nn.init.normal_(exe.params["i"][0])
    cols = netdef.compile(
        netdef.loads(net("kernel_size: 3 stride: 2 pad: 1", (2, 3, 6, 7))), device="cpu"
    )
    x = torch.randn(2, 3, 6, 7)
    filters = exe.params["i"][0].detach().flatten(1)
    expected = torch.einsum("oc,nchw->nohw", filters, cols({"x": x})["y"])
    torch.testing.assert_close(exe({"x": x})["y"].detach(), expected)


def test_fields_of_filters_are_warned_of():
    found = netdef.loads(net("kernel_size: 3 num_output: 4 group: 1", (1, 2, 4, 5))).diagnostics
    assert [(d.rule, "`num_output` has no effect" in d.message) for d in found] == [
        ("ignored-field", True)
    ]


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ("", "Im2col needs `kernel_size`"),
        ("kernel_size: 3 stride: 0", "`stride` must be at least 1, not 0"),
        ("kernel_size: 3 axis: 3", "no spatial axis after axis 3"),
        ("kernel_size: 6", "a window of 6 along axis 2 does not fit into 4 with padding 0"),
    ],
)
def test_faults(fields, part):
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(fields, (1, 2, 4, 5)))
    assert part in caught.value.diagnostics[0].message
