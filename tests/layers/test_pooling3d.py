"""Pooling over one and three axes, and C3D's, against every window written out as a loop."""

from itertools import product
from math import ceil, floor, prod
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

import netdef
from netdef.source import NetdefError

LOWEST = float(np.finfo(np.float32).min)
RUNS = settings(max_examples=60, deadline=None, derandomize=True)


class Case(NamedTuple):
    """One pooling: sizes per spatial axis."""

    extent: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    floor: bool = False
    clip: bool = True

    def sizes(self) -> tuple[int, ...]:
        """Return the number of windows along every axis."""
        sizes = []
        for extent, kernel, stride, pad in zip(*self[:4], strict=True):
            exact = (extent + 2 * pad - kernel) / stride
            size = (floor(exact) if self.floor else ceil(exact)) + 1
            if self.clip and any(self.pad) and (size - 1) * stride >= extent + pad:
                size -= 1
            sizes.append(size)
        return tuple(sizes)

    def windows(self) -> Any:
        """Every window: its place, its values' places in the input, its volume with padding."""
        for place in np.ndindex(self.sizes()):
            begins = [i * s - p for i, s, p in zip(place, self.stride, self.pad, strict=True)]
            ends = [
                min(begin + k, size + p)
                for begin, k, size, p in zip(
                    begins, self.kernel, self.extent, self.pad, strict=True
                )
            ]
            inside = product(
                *(
                    range(max(begin, 0), min(end, size))
                    for begin, end, size in zip(begins, ends, self.extent, strict=True)
                )
            )
            yield place, list(inside), prod(e - b for b, e in zip(begins, ends, strict=True))


def maxima(x: np.ndarray, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest value of every window, and where it is first."""
    best = np.full((*x.shape[:2], *case.sizes()), LOWEST, x.dtype)
    index = np.full(best.shape, -1)
    for place, inside, _ in case.windows():
        for n, c in np.ndindex(x.shape[:2]):
            for at in inside:
                if x[(n, c, *at)] > best[(n, c, *place)]:
                    best[(n, c, *place)] = x[(n, c, *at)]
                    index[(n, c, *place)] = np.ravel_multi_index(at, case.extent)
    return best, index


def means(x: np.ndarray, case: Case) -> np.ndarray:
    """Return every window's sum over its volume, padding counted."""
    result = np.zeros((*x.shape[:2], *case.sizes()))
    for place, inside, volume in case.windows():
        total = sum((x[(slice(None), slice(None), *at)] for at in inside), np.zeros(x.shape[:2]))
        at = (slice(None), slice(None), *place)
        result[at] = total / volume if volume else np.nan
    return result


def pooling(case: Case, method: str, tops: int = 1, phase: str = "TEST") -> Any:
    """Return Pooling over one or three axes, declared for another size of input."""
    if len(case.extent) == 1:
        names: list[tuple[str, ...]] = [("kernel_size",), ("stride",), ("pad",)]
    else:
        names = [
            ("kernel_depth", "kernel_h", "kernel_w"),
            ("temporal_stride", "stride_h", "stride_w"),
            ("temporal_pad", "pad_h", "pad_w"),
        ]
    fields = " ".join(
        f"{name}: {size}"
        for group, sizes in zip(names, case[1:4], strict=True)
        for name, size in zip(group, sizes, strict=True)
    )
    mode = "round_mode: FLOOR" if case.floor else ""
    text = f"pooling_param {{ pool: {method} {fields} {mode} }}"
    return program("Pooling", text, (1, 1, *(20,) * len(case.extent)), tops, phase)


def program(
    kind: str, text: str, shape: tuple[int, ...], tops: int = 1, phase: str = "TEST"
) -> Any:
    """Return a function from an input to the tops of one layer."""
    dims = " ".join(f"dim: {size}" for size in shape)
    names = [f"y{i}" for i in range(tops)]
    made = " ".join(f'top: "{name}"' for name in names)
    exe = netdef.compile(
        netdef.loads(
            f'layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}\n'
            f'layer {{ name: "p" type: "{kind}" bottom: "x" {made} {text} }}',
            phase=phase,
        ),
        device="cpu",
    )

    def run(x: Tensor) -> list[Tensor]:
        values = exe.to(x.dtype).run({"x": x}, names)
        return [values[name] for name in names]

    return run


def drawn(case: Case, levels: int | None = None) -> np.ndarray:
    """Return an input; with `levels`, of so many different values that there are ties."""
    rng = np.random.default_rng(1)
    shape = (2, 2, *case.extent)
    if levels:
        return rng.integers(-levels, 0, shape).astype(np.float32)
    return rng.standard_normal(shape).astype(np.float32)


@st.composite
def cases(draw: Any, axes: int) -> Case:
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    pad = (0,) * axes
    if draw(st.booleans()):
        pad = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    case = Case(
        tuple(draw(st.integers(1, 6)) for _ in range(axes)),
        kernel,
        tuple(draw(st.integers(1, 4)) for _ in range(axes)),
        pad,
        draw(st.booleans()),
    )
    assume(min(case.sizes()) > 0)
    return case


@given(st.one_of(cases(1), cases(3)))
@RUNS
def test_maxima_and_their_indices(case: Case) -> None:
    array = drawn(case, levels=4)
    x = torch.from_numpy(array).requires_grad_()
    best, index = maxima(array, case)
    (alone,) = pooling(case, "MAX")(x)
    y, mask = pooling(case, "MAX", tops=2)(x)
    np.testing.assert_array_equal(alone.detach(), best)
    np.testing.assert_array_equal(y.detach(), best)
    np.testing.assert_array_equal(mask, index)
    douts = np.random.default_rng(2).standard_normal(y.shape).astype(np.float32)
    y.backward(torch.from_numpy(douts))
    gradient = np.zeros((*x.shape[:2], prod(case.extent)))
    for (n, c, *place), at in np.ndenumerate(index):
        if at >= 0:
            gradient[n, c, at] += douts[(n, c, *place)]
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, gradient.reshape(x.shape), rtol=1e-5, atol=1e-5)


@given(st.one_of(cases(1), cases(3)))
@RUNS
def test_means(case: Case) -> None:
    array = drawn(case)
    (y,) = pooling(case, "AVE")(torch.from_numpy(array))
    np.testing.assert_allclose(y, means(array, case), rtol=1e-5, atol=1e-6)


@given(st.one_of(cases(1), cases(3)).filter(lambda case: not any(case.pad)))
@RUNS
def test_means_weighted_by_the_values(case: Case) -> None:
    array = np.maximum(drawn(case), 0)
    (y,) = pooling(case, "STOCHASTIC")(torch.from_numpy(array))
    sums, squares = means(array, case), means(array * array, case)
    expected = np.divide(squares, sums, out=np.zeros_like(sums), where=sums > 0)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@st.composite
def c3d_cases(draw: Any, padded: bool) -> tuple[Case, str]:
    """A case of Pooling3D, with its fields; each may be left out where it has its default."""
    size, depth = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    stride, jump = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    pad = draw(st.integers(0, size - 1)) if padded else 0
    case = Case(
        tuple(draw(st.integers(1, 6)) for _ in range(3)),
        (depth, size, size),
        (jump, stride, stride),
        (0, pad, pad),
        clip=False,
    )
    assume(min(case.sizes()) > 0)
    optional = [f"stride: {stride}"] if stride > 1 else []
    optional += [f"temporal_stride: {jump}"] if jump > 1 else []
    optional += [f"pad: {pad}"] if pad else []
    return case, " ".join([f"kernel_size: {size} kernel_depth: {depth}", *optional])


def c3d(fields: str, phase: str = "TEST") -> Any:
    return program("Pooling3D", f"pooling3d_param {{ {fields} }}", (1, 1, 20, 20, 20), phase=phase)


@given(c3d_cases(padded=False))
@RUNS
def test_c3d_maxima(given_case: tuple[Case, str]) -> None:
    case, fields = given_case
    array = drawn(case)
    (y,) = c3d(fields)(torch.from_numpy(array))
    np.testing.assert_array_equal(y, maxima(array, case)[0])


@given(c3d_cases(padded=True))
@RUNS
def test_c3d_means(given_case: tuple[Case, str]) -> None:
    case, fields = given_case
    array = drawn(case)
    (y,) = c3d(f"pool: AVE {fields}")(torch.from_numpy(array))
    np.testing.assert_allclose(y, means(array, case), rtol=1e-5, atol=1e-6)


def test_c3d_keeps_a_window_that_pooling_drops() -> None:
    """Of 5 elements with padding 1, windows of 2 begin at -1, 2 and 5: the last sees nothing."""
    x = torch.ones(1, 1, 1, 5, 5)
    fields = "pool: AVE kernel_size: 2 kernel_depth: 1 stride: 3 pad: 1"
    (y,) = c3d(fields)(x)
    assert y.shape == (1, 1, 1, 3, 3)
    assert y[0, 0, 0, 2].tolist() == [0, 0, 0]
    (plane,) = program("Pooling", f"pooling_param {{ {fields} }}".replace("kernel_depth: 1", ""),
                       (1, 1, 5, 5))(x[:, :, 0])  # fmt: skip
    assert plane.shape == (1, 1, 2, 2)


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ((2, 2, 6), "kernel_size: 3 stride: 2 pad: 2"),
        ((2, 2, 6), "pool: AVE kernel_size: 4 stride: 3 pad: 3"),
        ((2, 2, 6), "pool: STOCHASTIC kernel_size: 2 stride: 3"),
        ((1, 2, 3, 4, 4), "kernel_size: 3 stride: 2 pad: 2"),
        ((1, 2, 3, 4, 3), "pool: AVE kernel_size: 2 stride: 2 kernel_depth: 1"),
        ((1, 2, 3, 4, 4), "pool: STOCHASTIC kernel_size: 2 stride: 2"),
        ((1, 2, 2, 3, 3), "global_pooling: true"),
        ((1, 2, 2, 3, 3), "pool: AVE global_pooling: true"),
    ],
)
def test_gradients(shape: tuple[int, ...], fields: str) -> None:
    run = program("Pooling", f"pooling_param {{ {fields} }}", shape)
    check_gradient(run, shape)


@pytest.mark.parametrize(
    "fields", ["stride: 2", "pool: AVE stride: 3 pad: 1", "pool: STOCHASTIC stride: 2"]
)
def test_c3d_gradients(fields: str) -> None:
    run = c3d(f"kernel_size: 2 kernel_depth: 2 {fields}")
    check_gradient(run, (1, 2, 3, 5, 5))


def check_gradient(run: Any, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator, dtype=torch.float64) + 0.1
    assert torch.autograd.gradcheck(lambda x: run(x)[0], x.requires_grad_())


@pytest.mark.parametrize("kind", ["Pooling", "Pooling3D"])
def test_a_volume_is_drawn_from_in_proportion(kind: str) -> None:
    values = torch.arange(8.0).reshape(2, 2, 2)
    x = values.expand(40_000, 1, 2, 2, 2)
    field = "pooling_param" if kind == "Pooling" else "pooling3d_param"
    text = f"{field} {{ pool: STOCHASTIC kernel_size: 2 kernel_depth: 2 }}"
    torch.manual_seed(0)
    (y,) = program(kind, text, (1, 1, 2, 2, 2), phase="TRAIN")(x)
    for value in range(8):
        share = value / 28
        found = float((y == value).double().mean())
        assert abs(found - share) <= 5 * (share * (1 - share) / 40_000) ** 0.5


def test_common_sizes_hold_for_every_axis() -> None:
    net = netdef.loads(volume("kernel_size: 3 stride: 2 pad: 1", (1, 1, 7, 8, 9)))
    assert net.blobs["y"].shape == (1, 1, 4, 5, 5)


def test_sizes_along_the_first_axis_win_over_common_ones() -> None:
    fields = "kernel_size: 3 stride: 2 pad: 1 kernel_depth: 1 temporal_stride: 3 temporal_pad: 0"
    assert netdef.loads(volume(fields, (1, 1, 7, 8, 9))).blobs["y"].shape == (1, 1, 3, 5, 5)


def test_beside_rows_and_columns_the_first_axis_has_stride_one() -> None:
    fields = "kernel_h: 2 kernel_w: 2 stride_h: 2 stride_w: 2 kernel_depth: 2"
    assert netdef.loads(volume(fields, (1, 1, 5, 6, 6))).blobs["y"].shape == (1, 1, 4, 3, 3)


def test_what_is_for_volumes_does_nothing_in_a_plane() -> None:
    net = netdef.loads(volume("kernel_size: 2 kernel_depth: 3 temporal_stride: 2", (1, 1, 4, 4)))
    assert net.blobs["y"].shape == (1, 1, 3, 3)
    assert [(d.rule, d.message) for d in net.diagnostics] == [
        ("ignored-field", "`kernel_depth` has no effect in this Pooling"),
        ("ignored-field", "`temporal_stride` has no effect in this Pooling"),
    ]


def volume(fields: str, shape: tuple[int, ...], kind: str = "Pooling", tops: int = 1) -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    made = 'top: "y"' + ' top: "m"' * (tops - 1)
    param = "pooling_param" if kind == "Pooling" else "pooling3d_param"
    return (
        f'layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}\n'
        f'layer {{ name: "p" type: "{kind}" bottom: "x" {made} {param} {{ {fields} }} }}\n'
    )


VOLUME, LINE = (1, 1, 4, 5, 6), (1, 1, 6)


@pytest.mark.parametrize(
    ("kind", "shape", "fields", "message"),
    [
        ("Pooling", VOLUME, "kernel_h: 2 kernel_w: 2", "Pooling needs `kernel_depth`"),
        ("Pooling", VOLUME, "kernel_depth: 2", "Pooling needs `kernel_size`"),
        ("Pooling", VOLUME, "kernel_size: 2 kernel_depth: 0", "`kernel_depth` must be at least 1"),
        ("Pooling", VOLUME, "kernel_size: 2 temporal_stride: 0", "must be at least 1, not 0"),
        (
            "Pooling",
            VOLUME,
            "kernel_size: 2 temporal_pad: 2",
            "the padding 2 must be smaller than the window's 2",
        ),
        ("Pooling", VOLUME, "global_pooling: true kernel_depth: 4", "leave out the kernel"),
        ("Pooling", VOLUME, "global_pooling: true temporal_stride: 2", "`stride: 1` and `pad: 0`"),
        (
            "Pooling",
            VOLUME,
            "kernel_size: 2 kernel_depth: 6",
            "a window of 6 frames does not fit into 4 with padding 0",
        ),
        ("Pooling", LINE, "kernel_h: 2 kernel_w: 2", "there is one axis: give `kernel_size`"),
        ("Pooling", LINE, "kernel_size: 7", "a window of 7 elements does not fit into 6"),
        ("Pooling", (1, 1), "kernel_size: 1", "or (N, C, D, H, W), not 2 axes"),
        ("Pooling", (1,) * 6, "kernel_size: 1", "or (N, C, D, H, W), not 6 axes"),
        ("Pooling3D", (1, 1, 4, 4), "kernel_size: 1 kernel_depth: 1", "takes (N, C, L, H, W)"),
        ("Pooling3D", VOLUME, "kernel_size: 2", "Pooling3D needs `kernel_depth`"),
        ("Pooling3D", VOLUME, "kernel_depth: 2", "Pooling3D needs `kernel_size`"),
        ("Pooling3D", VOLUME, "kernel_size: 2 kernel_depth: 2 pad: 1", "only with `pool: AVE`"),
        (
            "Pooling3D",
            VOLUME,
            "pool: AVE kernel_size: 2 kernel_depth: 2 pad: 2",
            "the padding 2 must be smaller than the window's 2",
        ),
        ("Pooling3D", VOLUME, "kernel_size: 2 kernel_depth: 2 temporal_stride: 0", "at least 1"),
    ],
)
def test_faults(kind: str, shape: tuple[int, ...], fields: str, message: str) -> None:
    with pytest.raises(NetdefError) as caught:
        netdef.loads(volume(fields, shape, kind))
    assert [message in d.message for d in caught.value.diagnostics] == [True]


def test_c3d_has_no_indices() -> None:
    with pytest.raises(NetdefError, match="Pooling3D takes 1 top, but `p` has 2"):
        netdef.loads(volume("kernel_size: 1 kernel_depth: 1", VOLUME, "Pooling3D", tops=2))


def test_the_first_version_had_its_fields_in_pooling_param() -> None:
    net = netdef.loads(
        'input: "x" input_shape { dim: 1 dim: 3 dim: 2 dim: 4 dim: 8 }\n'
        'layers { name: "p" type: POOLING3D bottom: "x" top: "y" pooling_param {'
        " pool: MAX kernel_size: 2 kernel_depth: 2 stride: 2 temporal_stride: 2 } }"
    )
    assert net.blobs["y"].shape == (1, 3, 1, 2, 4)
