"""Every filler's distribution, with fixed seeds.

Limits are five standard deviations, and for whole distributions what Kolmogorov and Smirnov's
statistic exceeds once in a million samples.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from google.protobuf import text_format

from netdef.schema import pb
from netdef.source import NetdefError
from netdef.torch_backend.fillers import fill
from netdef.torch_backend.ops.filled import FILLERS, filled

CONV = (40, 25, 10, 10)  # 100,000 weights; fan-in 2,500, fan-out 4,000


def make(shape: tuple[int, ...], text: str, seed: int = 0) -> np.ndarray:
    torch.manual_seed(seed)
    values = fill(shape, text_format.Parse(text, pb.FillerParameter()))
    assert values.dtype == torch.float32
    assert values.shape == shape
    return values.numpy().astype(np.float64)


def assert_moments(values: np.ndarray, mean: float, variance: float, kurtosis: float) -> None:
    """Compare mean and variance; `kurtosis` is the fourth moment over the squared variance."""
    n = values.size
    assert abs(values.mean() - mean) < 5 * math.sqrt(variance / n)
    assert abs(values.var() - variance) < 5 * variance * math.sqrt((kurtosis - 1) / n)


def assert_distributed(values: np.ndarray, below: Callable[[np.ndarray], np.ndarray]) -> None:
    """Compare the share of values below each of them with what it should be."""
    ordered = np.sort(values, axis=None)
    n = ordered.size
    wanted = below(ordered)
    steps = np.arange(n + 1) / n
    distance = max((wanted - steps[:-1]).max(), (steps[1:] - wanted).max())
    assert distance < math.sqrt(math.log(2 / 1e-6) / (2 * n))


def assert_independent(values: np.ndarray) -> None:
    """Compare neighbours along every axis: they must not go together."""
    centred = (values - values.mean()) / values.std()
    for axis in range(values.ndim):
        first, second = (np.delete(centred, end, axis) for end in (0, -1))
        assert abs((first * second).mean()) < 5 / math.sqrt(first.size)


def assert_uniform(values: np.ndarray, low: float, high: float) -> None:
    slack = 1e-6 * max(abs(low), abs(high))  # float32
    assert low - slack <= values.min()
    assert values.max() <= high + slack
    assert_moments(values, (low + high) / 2, (high - low) ** 2 / 12, 9 / 5)
    assert_distributed(values, lambda x: np.clip((x - low) / (high - low), 0, 1))


def assert_normal(values: np.ndarray, mean: float, std: float) -> None:
    assert_moments(values, mean, std**2, 3)
    erf = np.vectorize(math.erf, otypes=[float])
    assert_distributed(values, lambda x: (1 + erf((x - mean) / (std * math.sqrt(2)))) / 2)


def test_constant():
    assert (make((2, 3), "") == 0).all()
    assert (make((2, 3), 'type: "constant" value: 0.5') == 0.5).all()
    assert make((), "value: 2") == 2


def test_uniform():
    assert_uniform(make(CONV, 'type: "uniform"'), 0, 1)
    assert_uniform(make(CONV, 'type: "uniform" min: -3 max: 0.5'), -3, 0.5)
    assert (make((3,), 'type: "uniform" min: 2 max: 2') == 2).all()


def test_gaussian():
    assert_normal(make(CONV, 'type: "gaussian"'), 0, 1)
    assert_normal(make(CONV, 'type: "gaussian" mean: 2 std: 0.01'), 2, 0.01)


@pytest.mark.parametrize(("outputs", "sparse"), [(100, 15), (1000, 1), (50, 0)])
def test_gaussian_sparse_keeps_that_many_outputs_of_every_input(outputs, sparse):
    values = make((outputs, 2000), f'type: "gaussian" std: 3 sparse: {sparse}')
    kept = values != 0
    share = sparse / outputs
    assert abs(kept.mean() - share) <= 5 * math.sqrt(share * (1 - share) / values.size)
    if sparse:
        assert_normal(values[kept], 0, 3)
        # Independent of each other: the number kept per input is binomial.
        per_input = kept.sum(0)
        variance = outputs * share * (1 - share)
        assert abs(per_input.var() - variance) < 5 * variance * math.sqrt(3 / per_input.size)


@pytest.mark.parametrize("kind", ["uniform", "gaussian", "xavier", "msra"])
def test_values_do_not_depend_on_each_other(kind):
    assert_independent(make(CONV, f'type: "{kind}"'))


def test_gaussian_sparse_chooses_without_regard_to_place():
    kept = make((100, 2000), 'type: "gaussian" sparse: 15') != 0
    assert_independent(kept.astype(float))
    # Every output is kept as often as any other.
    expected, spread = 2000 * 0.15, math.sqrt(2000 * 0.15 * 0.85)
    assert np.abs(kept.sum(1) - expected).max() < 5 * spread


def test_gaussian_sparse_keeps_all_when_there_are_no_more_outputs():
    assert (make((10, 50), 'type: "gaussian" sparse: 10') != 0).all()
    assert (make((10, 50), 'type: "gaussian" sparse: 11') != 0).all()


def test_positive_unitball():
    values = make((1000, 4, 5, 5), 'type: "positive_unitball"').reshape(1000, -1)
    assert (values >= 0).all()
    np.testing.assert_allclose(values.sum(1), 1, rtol=1e-5)
    # Uniform numbers over the sum of 100 of them: nearly uniform up to 2/100.
    assert abs(values.mean() - 0.01) < 1e-8
    assert abs(values.var() * 100**2 - 1 / 3) < 0.02
    assert 0.018 < values.max() < 0.03
    # Below the largest of a row, whatever it is, the others are uniform.
    shares = np.sort(values / values.max(1, keepdims=True), 1)[:, :-1]
    assert_distributed(shares, lambda x: x)


@pytest.mark.parametrize(
    ("norm", "n"), [("", 2500), ("FAN_IN", 2500), ("FAN_OUT", 4000), ("AVERAGE", 3250)]
)
def test_xavier_and_msra_scale_by_the_fan_that_is_asked_for(norm, n):
    norm = norm and f"variance_norm: {norm}"
    limit = math.sqrt(3 / n)
    assert_uniform(make(CONV, f'type: "xavier" {norm}'), -limit, limit)
    assert_normal(make(CONV, f'type: "msra" {norm}'), 0, math.sqrt(2 / n))


def test_one_axis_has_a_fan_in_of_one_and_a_fan_out_of_all():
    assert_uniform(make((100_000,), 'type: "xavier"'), -math.sqrt(3), math.sqrt(3))
    limit = math.sqrt(3 / 1e5)
    assert_uniform(make((100_000,), 'type: "xavier" variance_norm: FAN_OUT'), -limit, limit)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 8])
def test_bilinear(kernel):
    values = make((3, 2, kernel, kernel), 'type: "bilinear"')
    f = math.ceil(kernel / 2)
    c = (kernel - 1) / (2 * f)
    for y in range(kernel):
        for x in range(kernel):
            wanted = (1 - abs(x / f - c)) * (1 - abs(y / f - c))
            np.testing.assert_allclose(values[:, :, y, x], wanted, rtol=1e-6)


def test_bilinear_of_four_is_the_familiar_kernel():
    line = np.array([0.25, 0.75, 0.75, 0.25])
    np.testing.assert_allclose(make((1, 1, 4, 4), 'type: "bilinear"')[0, 0], np.outer(line, line))


@pytest.mark.parametrize("kind", FILLERS)
def test_the_same_seed_gives_the_same_values(kind):
    first, again, other = (make((4, 3, 5, 5), f'type: "{kind}"', seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first == other).all() == (kind in ("constant", "bilinear"))


@pytest.mark.parametrize("kind", FILLERS)
@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (3, 0, 2, 2)])
def test_nothing_to_fill(kind, shape):
    assert make(shape, f'type: "{kind}"').size == 0


@pytest.mark.parametrize("kind", FILLERS)
def test_other_types_of_numbers(kind):
    values = filled((2, 3, 4, 4), {"type": kind}, dtype=torch.float64)
    assert values.dtype == torch.float64
    assert values.isfinite().all()


@pytest.mark.parametrize(
    ("shape", "text", "rule", "message"),
    [
        ((2,), 'type: "none"', "unknown-filler", "`none` is not a filler"),
        ((2,), 'type: "Xavier"', "unknown-filler", "`Xavier` is not a filler"),
        (
            (2,),
            'type: "uniform" min: 2 max: 1',
            "bad-filler",
            "the uniform filler needs `min` <= `max`, not 2 and 1",
        ),
        (
            (2,),
            'type: "gaussian" std: -1',
            "bad-filler",
            "the gaussian filler needs a `std` of at least 0, not -1",
        ),
        (
            (2,),
            'type: "gaussian" sparse: -2',
            "bad-filler",
            "the gaussian filler needs a `sparse` of at least 0, or -1 for none, not -2",
        ),
        (
            (2, 2, 3, 4),
            'type: "bilinear"',
            "bad-filler",
            "the bilinear filler needs a square kernel (outputs, inputs, k, k), "
            "not the shape (2, 2, 3, 4)",
        ),
        (
            (),
            'type: "msra"',
            "bad-filler",
            "the msra filler needs at least one axis, not a single number",
        ),
    ],
)
def test_faults(shape, text, rule, message):
    with pytest.raises(NetdefError) as caught:
        make(shape, text)
    (fault,) = caught.value.diagnostics
    assert (fault.rule, fault.message) == (rule, message)
