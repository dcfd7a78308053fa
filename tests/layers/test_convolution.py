"""Convolution against the definition, written out as a loop over the places of the output."""

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import netdef


class Case(NamedTuple):
    """One convolution; tuples have one entry per spatial axis."""

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
    negative: bool

    def sizes(self) -> tuple[int, ...]:
        rows = zip(*self[4:9], strict=True)
        return tuple((e + 2 * p - d * (k - 1) - 1) // s + 1 for e, k, s, p, d in rows)

    def prototxt(self, bottoms: int = 1) -> str:
        axis = len(self.batch)
        fields = [
            f"num_output: {self.filters} group: {self.group}",
            f"axis: {-len(self.extent) - 1 if self.negative else axis}",
            f"bias_term: {str(self.bias).lower()}",
        ]
        names = ("kernel_size", "stride", "pad", "dilation")
        for name, values in zip(names, self[5:9], strict=True):
            fields += [f"{name}: {value}" for value in values]
        return net(" ".join(fields), (*self.batch, self.channels, *self.extent), bottoms)


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
        f'{inputs}layer {{ name: "c" type: "Convolution" {names}'
        f' convolution_param {{ {fields} weight_filler {{ type: "gaussian" }} }} }}\n'
    )


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, case: Case) -> np.ndarray:
    """Convolve (batch, C, *extent) in double precision."""
    x = x.reshape(-1, case.channels, *case.extent).astype(float)
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in case.pad)])
    result = np.zeros((len(x), case.filters, *case.sizes()))
    members, filters = case.channels // case.group, case.filters // case.group
    for g, place in product(range(case.group), product(*map(range, case.sizes()))):
        windows = (
            slice(i * s, i * s + d * (k - 1) + 1, d)
            for i, s, k, d in zip(place, case.stride, case.kernel, case.dilation, strict=True)
        )
        seen = padded[(slice(None), slice(g * members, (g + 1) * members), *windows)]
        taps = weight[g * filters : (g + 1) * filters]
        sums = np.tensordot(seen, taps, (range(1, seen.ndim), range(1, seen.ndim)))
        result[(slice(None), slice(g * filters, (g + 1) * filters), *place)] = sums
    if bias is not None:
        result += bias.reshape(-1, *[1] * len(case.extent))
    return result.reshape(*case.batch, case.filters, *case.sizes())


@st.composite
def cases(draw: Any) -> Case:
    axes = draw(st.integers(1, 4))
    group = draw(st.integers(1, 3))

    def per_axis(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(axes))

    case = Case(
        batch=tuple(draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 2)))),
        channels=group * draw(st.integers(1, 2)),
        filters=group * draw(st.integers(1, 2)),
        group=group,
        extent=per_axis(1, 7 if axes < 3 else 4),
        kernel=per_axis(1, 3),
        stride=per_axis(1, 3),
        pad=per_axis(0, 3),
        dilation=per_axis(1, 2),
        bias=draw(st.booleans()),
        negative=draw(st.booleans()),
    )
    assume(min(case.sizes()) > 0)
    return case


@given(cases())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_definition(case: Case) -> None:
    loaded = netdef.loads(case.prototxt())
    exe = netdef.compile(loaded, device="cpu")
    assert loaded.blobs["y0"].shape == (*case.batch, case.filters, *case.sizes())
    weight, *bias = exe.params["c"]
    rng = np.random.default_rng(0)
    for param in (weight, *bias):
        values = rng.standard_normal(param.shape).astype(np.float32)
        param.data.copy_(torch.from_numpy(values))
    x = rng.standard_normal((*case.batch, case.channels, *case.extent)).astype(np.float32)
    y = exe({"x0": x})["y0"].detach().numpy()
    shift = bias[0].detach().numpy() if bias else None
    expected = convolve(x, weight.detach().numpy(), shift, case)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ("num_output: 4 kernel_size: 3 pad: 1 stride: 2 group: 2", (2, 2, 5, 4)),
        ("num_output: 2 kernel_size: 2 dilation: 2 axis: 2", (2, 2, 2, 4, 3)),
        ("num_output: 2 kernel_size: 2 pad: 1 stride: 2 axis: 0", (2, 3, 3)),
        ("num_output: 2 kernel_size: 2 stride: 1 dilation: 2 pad: 1", (1, 2, 2, 3, 2, 2)),
    ],
)
def test_gradient_in_double(fields: str, shape: tuple[int, ...]) -> None:
    exe = netdef.compile(netdef.loads(net(fields, shape)), device="cpu")
    (module,) = exe.double().layers.values()
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    names = [name for name, _ in module.named_parameters()]

    def run(x: torch.Tensor, *params: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, dict(zip(names, params, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x.requires_grad_(), *module.parameters()))


def test_several_bottoms_share_the_weight() -> None:
    text = net("num_output: 2 kernel_size: 3", (1, 3, 5, 5), bottoms=2)
    exe = netdef.compile(netdef.loads(text), device="cpu")
    alone = netdef.compile(
        netdef.loads(net("num_output: 2 kernel_size: 3", (1, 3, 5, 5))), share=exe
    )
    feeds = {"x0": torch.randn(4, 3, 6, 5), "x1": torch.randn(4, 3, 6, 5)}
    results = exe(feeds)
    total = torch.zeros(2, 3, 3, 3)
    for x, y in (("x0", "y0"), ("x1", "y1")):
        expected = alone({"x0": feeds[x]})["y0"]
        torch.testing.assert_close(results[y], expected)
        total += torch.autograd.grad(expected.sum(), alone.params["c"][0])[0]
    gradient = torch.autograd.grad(results["y0"].sum() + results["y1"].sum(), exe.params["c"][0])
    torch.testing.assert_close(gradient[0], total)


FAULTS = [
    ("kernel_size: 3", "Convolution needs `num_output`"),
    ("num_output: 0 kernel_size: 3", "`num_output` must be at least 1"),
    ("num_output: 4", "needs `kernel_size`"),
    ("num_output: 4 kernel_size: 0", "`kernel_size` must be at least 1, not 0"),
    ("num_output: 4 kernel_size: 3 kernel_size: 3 kernel_size: 3", "given 3 times"),
    ("num_output: 4 kernel_h: 3", "`kernel_w` is missing"),
    ("num_output: 4 kernel_size: 3 kernel_h: 3 kernel_w: 3", "not both"),
    ("num_output: 4 kernel_size: 3 stride: 0", "`stride` must be at least 1, not 0"),
    ("num_output: 4 kernel_size: 3 dilation: 0", "`dilation` must be at least 1, not 0"),
    ("num_output: 4 kernel_size: 3 group: 0", "`group` must be at least 1"),
    ("num_output: 4 kernel_size: 3 group: 2", "`group` is 2, which does not divide the 3 channels"),
    ("num_output: 4 kernel_size: 3 group: 3", "`group` is 3, which does not divide the 4 filters"),
    ("num_output: 4 kernel_size: 3 axis: 4", "`axis` is 4, but the input has 4 axes"),
    ("num_output: 4 kernel_size: 3 axis: -1", "no spatial axis after axis 3"),
    ("num_output: 4 kernel_h: 3 kernel_w: 3 axis: 2", "are for two spatial axes; here are 1"),
    ("num_output: 4 kernel_size: 3 dilation: 3", "a window of 7 along axis 3 does not fit into 5"),
]


@pytest.mark.parametrize(("fields", "message"), FAULTS)
def test_faults(fields: str, message: str) -> None:
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(fields, (1, 3, 8, 5)))
    assert [message in d.message for d in caught.value.diagnostics] == [True]


def test_a_fault_lies_at_its_field() -> None:
    text = net("num_output: 4 kernel_size: 3 group: 2", (1, 3, 8, 5))
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(text)
    (fault,) = caught.value.diagnostics
    assert fault.span is not None
    assert text[fault.span.start : fault.span.end] == "2"


def test_several_faults_at_once() -> None:
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net("num_output: 0 kernel_size: 3 group: 2", (1, 3, 8, 5)))
    assert len(caught.value.diagnostics) == 2


def test_bottoms_and_tops_must_fit() -> None:
    with pytest.raises(netdef.NetdefError, match="every bottom has a top of its own"):
        netdef.loads(net("num_output: 4 kernel_size: 3", (1, 3, 8, 5), bottoms=2, tops=1))
    text = net("num_output: 4 kernel_size: 3", (1, 3, 8, 5), bottoms=2)
    with pytest.raises(netdef.NetdefError, match="`x1` has the shape") as caught:
        netdef.loads(text, shapes={"x1": (1, 3, 8, 6)})
    assert caught.value.diagnostics[0].rule == "shape-mismatch"
