"""Pooling against a plain reading of the reference: every window written out as a loop."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch import Tensor

import netdef
from netdef.torch_backend import ops

LOWEST = float(np.finfo(np.float32).min)


class Case(NamedTuple):
    """One pooling; pairs are rows and columns."""

    extent: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    floor: bool

    def prototxt(self, method: str, tops: int = 1) -> str:
        """Return the net, declared for another size of input than it will get."""
        fields = " ".join(
            f"{name}_h: {rows} {name}_w: {columns}"
            for name, (rows, columns) in zip(
                ("kernel", "stride", "pad"), (self.kernel, self.stride, self.pad), strict=True
            )
        )
        mode = "round_mode: FLOOR" if self.floor else ""
        return net(f"pool: {method} {fields} {mode}", (1, 3, 20, 21), tops)

    def sizes(self) -> list[int]:
        """Return the number of windows along rows and columns."""
        sizes = []
        for extent, kernel, stride, pad in zip(*self[:4], strict=True):
            exact = (extent + 2 * pad - kernel) / stride
            sizes.append(int(np.floor(exact) if self.floor else np.ceil(exact)) + 1)
            if any(self.pad) and (sizes[-1] - 1) * stride >= extent + pad:
                sizes[-1] -= 1
        return sizes


def net(fields: str, shape: tuple[int, ...], tops: int = 1) -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    names = " ".join(f'top: "y{i}"' for i in range(tops))
    return (
        f'layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}\n'
        f'layer {{ name: "p" type: "Pooling" bottom: "x" {names} pooling_param {{ {fields} }} }}\n'
    )


def run(text: str, x: Tensor, phase: str = "TEST") -> list[Tensor]:
    loaded = netdef.loads(text, phase=phase)
    exe = netdef.compile(loaded, device="cpu")
    return list(exe.run({"x": x}, loaded.layers[-1].message.top).values())


def module(text: str, phase: str = "TEST") -> torch.nn.Module:
    exe = netdef.compile(netdef.loads(text, phase=phase), device="cpu")
    (only,) = exe.layers.values()
    return only


class Pooled(NamedTuple):
    """Results of the loop; an area reaches up to the end of the padding."""

    maxima: np.ndarray
    mask: np.ndarray
    means: np.ndarray
    areas: np.ndarray


def pool(x: np.ndarray, case: Case) -> Pooled:
    """Pool (N, C, H, W) window by window, as pooling_layer.cpp does."""
    height, width = x.shape[2:]
    shape = (*x.shape[:2], *case.sizes())
    maxima = np.full(shape, LOWEST, x.dtype)
    mask = np.full(shape, -1)
    means, areas = np.zeros(shape, x.dtype), np.zeros(shape[2:], int)
    for (n, c, i, j), _ in np.ndenumerate(maxima):
        top = i * case.stride[0] - case.pad[0]
        left = j * case.stride[1] - case.pad[1]
        bottom = min(top + case.kernel[0], height + case.pad[0])
        right = min(left + case.kernel[1], width + case.pad[1])
        areas[i, j] = (bottom - top) * (right - left)
        total = 0.0
        for h in range(max(top, 0), min(bottom, height)):
            for w in range(max(left, 0), min(right, width)):
                total += x[n, c, h, w]
                if x[n, c, h, w] > maxima[n, c, i, j]:
                    maxima[n, c, i, j] = x[n, c, h, w]
                    mask[n, c, i, j] = h * width + w
        means[n, c, i, j] = total / areas[i, j] if areas[i, j] else np.nan
    return Pooled(maxima, mask, means, areas)


def max_gradient(pooled: Pooled, douts: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    flat = np.zeros((*shape[:2], shape[2] * shape[3]))
    for (n, c, i, j), index in np.ndenumerate(pooled.mask):
        if index >= 0:
            flat[n, c, index] += douts[n, c, i, j]
    return flat.reshape(shape)


def mean_gradient(
    pooled: Pooled, douts: np.ndarray, shape: tuple[int, ...], case: Case
) -> np.ndarray:
    result = np.zeros(shape)
    for (n, c, i, j), dout in np.ndenumerate(douts):
        top, left = i * case.stride[0] - case.pad[0], j * case.stride[1] - case.pad[1]
        rows = slice(max(top, 0), max(top + case.kernel[0], 0))
        columns = slice(max(left, 0), max(left + case.kernel[1], 0))
        result[n, c, rows, columns] += dout / pooled.areas[i, j] if pooled.areas[i, j] else 0
    return result


@st.composite
def cases(draw: Any) -> Case:
    kernel = tuple(draw(st.integers(1, 5)) for _ in range(2))
    pad = (0, 0)
    if draw(st.booleans()):
        pad = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    case = Case(
        tuple(draw(st.integers(1, 9)) for _ in range(2)),
        kernel,
        tuple(draw(st.integers(1, 4)) for _ in range(2)),
        pad,
        draw(st.booleans()),
    )
    assume(min(case.sizes()) > 0)
    return case


RUNS = settings(max_examples=80, deadline=None, derandomize=True)
BEHIND = Case((4, 5), (1, 1), (2, 2), (0, 0), False)  # the last row of windows sees nothing
SMALL = Case((2, 2), (3, 3), (2, 2), (0, 0), False)  # the window is larger than the input


def values(case: Case, levels: int | None = None) -> np.ndarray:
    """Return an input; with `levels`, of so many different values that there are ties."""
    rng = np.random.default_rng(abs(hash(case)) % 2**32)
    shape = (2, 3, *case.extent)
    if levels:
        return rng.integers(-levels, 0, shape).astype(np.float32)
    return rng.standard_normal(shape).astype(np.float32)


@given(cases())
@example(BEHIND)
@example(SMALL)
@RUNS
def test_max(case: Case) -> None:
    """Values, gradient and shape; by torch's own module or ours."""
    array = values(case, levels=4)
    x = torch.from_numpy(array).requires_grad_()
    (y,) = run(case.prototxt("MAX"), x)
    expected = pool(array, case)
    np.testing.assert_array_equal(y.detach().numpy(), expected.maxima)
    douts = np.random.default_rng(1).standard_normal(y.shape)
    y.backward(torch.from_numpy(douts).float())
    gradient = max_gradient(expected, douts, array.shape)
    np.testing.assert_allclose(x.grad, gradient, rtol=1e-5, atol=1e-5)


@given(cases())
@example(BEHIND)
@example(SMALL)
@RUNS
def test_mask(case: Case) -> None:
    """The second top holds the index of the first maximum; the gradient goes there."""
    array = values(case, levels=4)
    x = torch.from_numpy(array).requires_grad_()
    y, mask = run(case.prototxt("MAX", tops=2), x)
    expected = pool(array, case)
    np.testing.assert_array_equal(y.detach().numpy(), expected.maxima)
    np.testing.assert_array_equal(mask.numpy(), expected.mask)
    assert not mask.requires_grad
    y.backward(torch.ones_like(y))
    gradient = max_gradient(expected, np.ones(y.shape), array.shape)
    np.testing.assert_allclose(x.grad, gradient, rtol=1e-5, atol=1e-5)


@given(cases())
@example(SMALL)
@RUNS
def test_average(case: Case) -> None:
    """The divisor counts padding but not what lies behind it."""
    array = values(case)
    x = torch.from_numpy(array).requires_grad_()
    (y,) = run(case.prototxt("AVE"), x)
    expected = pool(array, case)
    np.testing.assert_allclose(y.detach(), expected.means, rtol=1e-5, atol=1e-6)
    if (expected.areas == 0).any():
        return
    douts = np.random.default_rng(1).standard_normal(y.shape)
    y.backward(torch.from_numpy(douts).float())
    gradient = mean_gradient(expected, douts, array.shape, case)
    np.testing.assert_allclose(x.grad, gradient, rtol=1e-5, atol=1e-5)


@given(cases().filter(lambda case: not any(case.pad)))
@example(BEHIND)
@RUNS
def test_stochastic_in_test_weighs_values_by_themselves(case: Case) -> None:
    array = np.maximum(values(case), 0)
    (y,) = run(case.prototxt("STOCHASTIC"), torch.from_numpy(array))
    sums = pool(array, case).means
    squares = pool(array * array, case).means
    expected = np.divide(squares, sums, out=np.zeros_like(sums), where=sums > 0)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_stochastic_in_train_draws_in_proportion() -> None:
    """Windows cut off at the edge too; the gradient goes to what was drawn."""
    torch.manual_seed(0)
    plane = torch.tensor([[1.0, 3.0, 5.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    x = plane.expand(20_000, 1, 3, 3).clone().requires_grad_()
    text = net("pool: STOCHASTIC kernel_size: 2 stride: 2", (1, 1, 3, 3))
    (y,) = run(text, x, phase="TRAIN")
    assert y.shape == (20_000, 1, 2, 2)
    first = y[:, 0, 0, 0]
    for value in (1.0, 3.0, 4.0):
        assert float((first == value).float().mean()) == pytest.approx(value / 8, abs=0.02)
    assert (y[:, 0, 0, 1] == 5).all() and (y[:, 0, 1] == 0).all()
    y[:, 0, 0, 0].sum().backward()
    assert x.grad is not None
    drawn = (x * x.grad).sum((1, 2, 3))
    assert torch.equal(drawn, first)


def test_stochastic_in_train_draws_by_value_in_every_window() -> None:
    """Pearson's statistic over nine overlapping windows, and windows do not sway each other."""
    draws = 20_000
    plane = torch.from_numpy(np.random.default_rng(0).permutation(49).reshape(7, 7) + 1.0)
    x = plane.float().expand(draws, 1, 7, 7)
    torch.manual_seed(0)
    (y,) = run(net("pool: STOCHASTIC kernel_size: 3 stride: 2", (1, 1, 7, 7)), x, phase="TRAIN")
    for i, j in np.ndindex(3, 3):
        window = plane[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].flatten()
        found = torch.stack([(y[:, 0, i, j] == value).sum() for value in window]).double()
        assert found.sum() == draws
        wanted = draws * window / window.sum()
        # 43 is exceeded once in a million draws of chi squared with eight degrees of freedom.
        assert float(((found - wanted) ** 2 / wanted).sum()) < 43
    correlation = np.corrcoef(y.flatten(1).double().numpy().T) - np.eye(9)
    assert np.abs(correlation).max() < 5 / np.sqrt(draws)


@pytest.mark.parametrize(
    "fields",
    [
        "kernel_size: 3 stride: 2 pad: 2",
        "kernel_size: 1 stride: 2",
        "kernel_size: 3 stride: 2",
        "global_pooling: true",
        "pool: AVE kernel_size: 3 stride: 2 pad: 1",
        "pool: AVE kernel_size: 4 stride: 3 pad: 3",
        "pool: AVE global_pooling: true",
        "pool: STOCHASTIC kernel_size: 2 stride: 3",
        "pool: STOCHASTIC global_pooling: true",
    ],
)
def test_gradient_in_double(fields: str) -> None:
    pooling = module(net(fields, (1, 2, 5, 4)))
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 2, 5, 4, generator=generator, dtype=torch.float64) + 0.1
    assert torch.autograd.gradcheck(pooling, x.requires_grad_())


@pytest.mark.parametrize("tops", [1, 2])
def test_global_maximum(tops: int) -> None:
    """One window of whatever size comes; the first of equals wins."""
    x = torch.tensor([[1.0, 7.0, 2.0], [7.0, 0.0, 7.0]]).expand(2, 3, 2, 3).clone()
    x.requires_grad_()
    y, *mask = run(net("global_pooling: true", (1, 3, 5, 5), tops), x)
    assert y.shape == (2, 3, 1, 1) and (y == 7).all()
    assert all((m == 1).all() and m.shape == y.shape for m in mask)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0].tolist() == [[0, 1, 0], [0, 0, 0]]


def test_windows_behind_the_input() -> None:
    """With a stride larger than the window and no padding the last window can see nothing."""
    x = torch.rand(1, 1, 4, 5)
    y, mask = run(BEHIND.prototxt("MAX", tops=2), x)
    assert y.shape == (1, 1, 3, 3)
    assert (y[:, :, 2] == LOWEST).all() and (mask[:, :, 2] == -1).all()
    (mean,) = run(BEHIND.prototxt("AVE"), x)
    assert mean[:, :, 2].isnan().all() and torch.equal(mean[:, :, :2], x[:, :, ::2, ::2])


def test_indices_are_exact_in_half_precision() -> None:
    """A type with 8 bits for digits cannot count the places of a plane."""
    x = torch.zeros(1, 1, 40, 50, dtype=torch.bfloat16)
    x[0, 0, 38, 49] = 1
    pooling = ops.Pooling("max", (2, 2), (2, 2), mask=True)
    y, mask = pooling(x)
    assert y.dtype is torch.bfloat16
    assert int(mask[0, 0, 19, 24]) == 38 * 50 + 49


def test_forks_write_floor_as_ceil_mode() -> None:
    x = torch.rand(1, 3, 8, 8)
    ours = run(net("kernel_size: 3 stride: 2 ceil_mode: false", (1, 3, 8, 8)), x)
    reference = run(net("kernel_size: 3 stride: 2 round_mode: FLOOR", (1, 3, 8, 8)), x)
    assert ours[0].shape == (1, 3, 3, 3)
    assert torch.equal(ours[0], reference[0])


FAULTS = [
    ("", "Pooling needs `kernel_size`"),
    ("kernel_h: 3", "`kernel_w` is missing"),
    ("kernel_size: 3 kernel_h: 3 kernel_w: 3", "not both"),
    ("kernel_size: 3 pad: 1 pad_h: 1 pad_w: 1", "not both"),
    ("kernel_size: 3 stride_w: 1", "`stride_h` is missing"),
    ("kernel_size: 0", "`kernel_size` must be at least 1, not 0"),
    ("kernel_size: 3 stride: 0", "`stride` must be at least 1, not 0"),
    ("kernel_size: 2 pad: 2", "the padding 2 must be smaller than the window's 2"),
    ("kernel_h: 1 kernel_w: 3 pad_h: 1 pad_w: 1", "the padding 1 must be smaller"),
    ("global_pooling: true kernel_size: 3", "leave out the kernel"),
    ("global_pooling: true pad: 1", "`stride: 1` and `pad: 0` only"),
    ("global_pooling: true stride: 2", "`stride: 1` and `pad: 0` only"),
    ("pool: STOCHASTIC kernel_size: 3 pad: 1", "takes no padding"),
    ("kernel_size: 2 round_mode: FLOOR ceil_mode: true", "contradict"),
    ("kernel_size: 6 stride: 2", "a window of 6 columns does not fit into 4"),
]


@pytest.mark.parametrize(("fields", "message"), FAULTS)
def test_faults(fields: str, message: str) -> None:
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(fields, (1, 3, 5, 4)))
    assert [message in d.message for d in caught.value.diagnostics] == [True]


def test_several_faults_at_once() -> None:
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net("kernel_size: 0 stride: 0 pool: AVE", (1, 3, 5, 5), tops=2))
    assert len(caught.value.diagnostics) == 3


def test_other_shapes_are_faults() -> None:
    with pytest.raises(netdef.NetdefError, match=r"takes \(N, C, H, W\), .* not 2 axes"):
        netdef.loads(net("kernel_size: 1", (1, 3)))
    with pytest.raises(netdef.NetdefError, match="only MAX pooling has a second top"):
        netdef.loads(net("kernel_size: 1 pool: AVE", (1, 3, 5, 5), tops=2))
