"""Deconvolution against its definition: every value spread over the windows of the output."""

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import netdef


class Case(NamedTuple):
    """One deconvolution; tuples have one entry per spatial axis."""

    batch: tuple[int, ...]
    channels: int
    filters: int
    group: int
    extent: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]
    bias: bool

    def sizes(self) -> tuple[int, ...]:
        rows = zip(*self[4:9], strict=True)
        return tuple(s * (e - 1) + d * (k - 1) + 1 - 2 * p for e, k, s, p, d in rows)

    def prototxt(self) -> str:
        fields = [
            f"num_output: {self.filters} group: {self.group} axis: {len(self.batch)}",
            f"bias_term: {str(self.bias).lower()}",
        ]
        names = ("kernel_size", "stride", "pad", "dilation")
        for name, values in zip(names, self[5:9], strict=True):
            fields += [f"{name}: {value}" for value in values]
        return net(" ".join(fields), (*self.batch, self.channels, *self.extent))


def net(fields: str, shape: tuple[int, ...], bottoms: int = 1, tops: int = 0) -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    inputs = "".join(
        f'layer {{ name: "in{i}" type: "Input" top: "x{i}"'
        f" input_param {{ shape {{ {dims} }} }} }}\n"
        for i in range(bottoms)
    )
    names = " ".join(f'bottom: "x{i}"' for i in range(bottoms))
    names += "".join(f' top: "y{i}"' for i in range(tops or bottoms))
    return (
        f'{inputs}layer {{ name: "d" type: "Deconvolution" {names}'
        f" convolution_param {{ {fields} }} }}\n"
    )


def spread(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, case: Case) -> np.ndarray:
    """Add each value times its filters into the window that begins at stride times its place."""
    x = x.reshape(-1, case.channels, *case.extent).astype(float)
    padded = [size + 2 * pad for size, pad in zip(case.sizes(), case.pad, strict=True)]
    result = np.zeros((len(x), case.filters, *padded))
    members, filters = case.channels // case.group, case.filters // case.group
    for channel, place in product(range(case.channels), product(*map(range, case.extent))):
        g = channel // members
        windows = (
            slice(i * s, i * s + d * (k - 1) + 1, d)
            for i, s, k, d in zip(place, case.stride, case.kernel, case.dilation, strict=True)
        )
        at = (slice(None), slice(g * filters, (g + 1) * filters), *windows)
        result[at] += np.multiply.outer(x[(slice(None), channel, *place)], weight[channel])
    inside = (slice(p, p + s) for p, s in zip(case.pad, case.sizes(), strict=True))
    result = result[(slice(None), slice(None), *inside)]
    if bias is not None:
        result = result + bias.reshape(-1, *[1] * len(case.extent))
    return result.reshape(*case.batch, case.filters, *case.sizes())


@st.composite
def cases(draw: Any) -> Case:
    axes = draw(st.integers(1, 4))
    group = draw(st.integers(1, 3))

    def per_axis(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(axes))

    case = Case(
        batch=tuple(draw(st.integers(1, 2)) for _ in range(draw(st.integers(0, 2)))),
        channels=group * draw(st.integers(1, 2)),
        filters=group * draw(st.integers(1, 2)),
        group=group,
        extent=per_axis(1, 4 if axes < 3 else 2),
        kernel=per_axis(1, 3),
        stride=per_axis(1, 3),
        pad=per_axis(0, 2),
        dilation=per_axis(1, 2),
        bias=draw(st.booleans()),
    )
    assume(min(case.sizes()) > 0)
    return case


@given(cases())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_definition(case: Case) -> None:
    loaded = netdef.loads(case.prototxt())
    exe = netdef.compile(loaded, device="cpu")
    assert loaded.blobs["y0"].shape == (*case.batch, case.filters, *case.sizes())
    weight, *bias = exe.params["d"]
    assert tuple(weight.shape) == (case.channels, case.filters // case.group, *case.kernel)
    rng = np.random.default_rng(0)
    for param in (weight, *bias):
        values = rng.standard_normal(param.shape).astype(np.float32)
        param.data.copy_(torch.from_numpy(values))
    x = rng.standard_normal((*case.batch, case.channels, *case.extent)).astype(np.float32)
    y = exe({"x0": x})["y0"].detach().numpy()
    shift = bias[0].detach().numpy() if bias else None
    expected = spread(x, weight.detach().numpy(), shift, case)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ("num_output: 4 kernel_size: 3 pad: 1 stride: 2 group: 2", (2, 2, 3, 2)),
        ("num_output: 2 kernel_size: 2 dilation: 2 axis: 2", (2, 2, 2, 2, 2)),
        ("num_output: 2 kernel_size: 2 stride: 2 pad: 1", (1, 2, 2, 2, 2, 2)),
    ],
)
def test_gradient_in_double(fields: str, shape: tuple[int, ...]) -> None:
    exe = netdef.compile(netdef.loads(net(fields, shape)), device="cpu").double()
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for param in exe.params["d"]:
        torch.nn.init.normal_(param)

    def run(x: torch.Tensor, *params: torch.Tensor) -> torch.Tensor:
        del params
        return exe({"x0": x})["y0"]

    assert torch.autograd.gradcheck(run, (x.requires_grad_(), *exe.params["d"]))


def test_it_is_the_backward_pass_of_the_convolution() -> None:
    fields = "num_output: {} kernel_size: 3 stride: 2 pad: 1 group: 2 bias_term: false"
    down = net(fields.format(6), (1, 4, 7, 9)).replace("Deconvolution", "Convolution")
    forward = netdef.compile(netdef.loads(down), device="cpu")
    back = netdef.compile(netdef.loads(net(fields.format(4), (1, 6, 4, 5))), device="cpu")
    torch.nn.init.normal_(forward.params["d"][0])
    back.params["d"][0].data.copy_(forward.params["d"][0])
    x = torch.randn(1, 4, 7, 9, requires_grad=True)
    y = forward({"x0": x})["y0"]
    given = torch.randn_like(y)
    y.backward(given)
    torch.testing.assert_close(back({"x0": given})["y0"], x.grad)


def test_several_bottoms_share_the_weight() -> None:
    text = net("num_output: 2 kernel_size: 3 stride: 2", (1, 3, 2, 2), bottoms=2)
    exe = netdef.compile(netdef.loads(text), device="cpu")
    torch.nn.init.normal_(exe.params["d"][0])
    x = torch.randn(2, 3, 4, 5)
    results = exe({"x0": x, "x1": 2 * x})
    torch.testing.assert_close(2 * results["y0"], results["y1"])


@pytest.mark.parametrize("group", [1, 2])
def test_what_follows_is_folded_into_it(group: int) -> None:
    text = net(
        f"num_output: 4 kernel_size: 3 stride: 2 group: {group} bias_term: false", (1, 2, 3, 3)
    )
    text += """
        layer { name: "bn" type: "BatchNorm" bottom: "y0" top: "bn" }
        layer { name: "s" type: "Scale" bottom: "bn" top: "s" scale_param { bias_term: true } }"""
    exe = netdef.compile(netdef.loads(text), device="cpu")
    for params in exe.params.values():
        for param in params:
            torch.nn.init.uniform_(param, 0.5, 2.0)
    x = torch.randn(2, 2, 3, 3)
    smaller = exe.optimized()
    assert [layer.name for layer in smaller.net.layers][1:] == ["d"]
    torch.testing.assert_close(smaller({"x0": x})["s"], exe({"x0": x})["s"].detach())


FAULTS = [
    ("kernel_size: 3", "Deconvolution needs `num_output`"),
    ("num_output: 4", "Deconvolution needs `kernel_size`"),
    ("num_output: 4 kernel_size: 3 group: 2", "which does not divide the 3 channels"),
    ("num_output: 4 kernel_size: 3 group: 3", "which does not divide the 4 filters"),
    ("num_output: 4 kernel_size: 3 axis: -1", "no spatial axis after axis 3"),
    ("num_output: 4 kernel_size: 1 pad: 4", "padding of 4 leaves nothing of the 8 along axis 2"),
]


@pytest.mark.parametrize(("fields", "message"), FAULTS)
def test_faults(fields: str, message: str) -> None:
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(fields, (1, 3, 8, 5)))
    assert [message in d.message for d in caught.value.diagnostics] == [True]


def test_fields_of_another_layer_are_warned_of() -> None:
    loaded = netdef.loads(net("num_output: 4 kernel_size: 3 kernel_depth: 3", (1, 3, 8, 5)))
    (warning,) = loaded.diagnostics
    assert warning.rule == "ignored-field"
    assert "`kernel_depth` has no effect in this Deconvolution" in warning.message


def test_bottoms_and_tops_must_fit() -> None:
    with pytest.raises(netdef.NetdefError, match="every bottom has a top of its own"):
        netdef.loads(net("num_output: 4 kernel_size: 3", (1, 3, 8, 5), bottoms=2, tops=1))
