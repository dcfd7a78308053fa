"""Dropout: what it drops, how often, and when."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError


def net_text(fields: str = "", layer: str = "") -> str:
    return (
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 200 dim: 500 } } }\n'
        f'layer {{ name: "drop" type: "Dropout" bottom: "x" top: "y" {layer} '
        f"dropout_param {{ {fields} }} }}"
    )


def run(text: str, phase: str, x: torch.Tensor, seed: int = 0) -> torch.Tensor:
    exe = netdef.compile(netdef.loads(text, phase=phase), device="cpu")
    torch.manual_seed(seed)
    return exe({"x": x})["y"]


X = torch.rand(200, 500, generator=torch.Generator().manual_seed(1)) + 1


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_in_training_a_share_is_dropped_and_the_rest_grows(ratio):
    y = run(net_text(f"dropout_ratio: {ratio}"), "TRAIN", X)
    kept = y != 0
    torch.testing.assert_close(y[kept], X[kept] / (1 - ratio))
    # 100,000 draws: five standard deviations of the share.
    assert abs(kept.float().mean().item() - (1 - ratio)) < 5 * (ratio * (1 - ratio) / 1e5) ** 0.5
    assert abs((y / X).mean().item() - 1) < 5 * (ratio / (1 - ratio) / 1e5) ** 0.5


def test_half_is_dropped_when_nothing_is_said():
    y = run(net_text(), "TRAIN", X)
    assert abs((y == 0).float().mean().item() - 0.5) < 0.01
    torch.testing.assert_close(y[y != 0], 2 * X[y != 0])


def test_neighbours_are_dropped_independently():
    dropped = (run(net_text(), "TRAIN", X) == 0).double().numpy() - 0.5
    for a, b in (
        (dropped[:, 1:], dropped[:, :-1]),
        (dropped[1:], dropped[:-1]),
    ):
        assert abs((a * b).mean() / 0.25) < 5 / np.sqrt(a.size)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_the_number_dropped_is_binomial(ratio):
    """Per row and per column: as scattered as independent draws are, not more, not less."""
    dropped = (run(net_text(f"dropout_ratio: {ratio}"), "TRAIN", X) == 0).double().numpy()
    for axis in (0, 1):
        counts, draws = dropped.sum(axis), dropped.shape[axis]
        variance = draws * ratio * (1 - ratio)
        # The counts are nearly normal: their variance scatters by sqrt(2 / number).
        assert abs(counts.var() / variance - 1) < 5 * np.sqrt(2 / counts.size)
        assert np.abs(counts - draws * ratio).max() < 6 * np.sqrt(variance)


def test_what_is_dropped_depends_neither_on_the_value_nor_on_the_run_before():
    exe = netdef.compile(netdef.loads(net_text(), phase="TRAIN"), device="cpu")
    torch.manual_seed(4)
    first, second = ((exe({"x": X})["y"] == 0).double().numpy() - 0.5 for _ in range(2))
    values = (X - X.mean()).double().numpy()
    limit = 5 / np.sqrt(first.size)
    assert abs((first * second).mean() / 0.25) < limit
    assert abs((first * values).mean() / (0.5 * values.std())) < limit


def test_every_run_drops_others_and_a_seed_repeats_them():
    exe = netdef.compile(netdef.loads(net_text(), phase="TRAIN"), device="cpu")
    torch.manual_seed(3)
    first, second = exe({"x": X})["y"], exe({"x": X})["y"]
    torch.manual_seed(3)
    assert torch.equal(exe({"x": X})["y"], first)
    assert not torch.equal(first, second)


def test_in_test_nothing_changes():
    assert torch.equal(run(net_text("dropout_ratio: 0.9"), "TEST", X), X)


def test_train_and_eval_change_nothing():
    training = netdef.compile(netdef.loads(net_text(), phase="TRAIN"), device="cpu").eval()
    testing = netdef.compile(netdef.loads(net_text(), phase="TEST"), device="cpu").train()
    assert (training({"x": X})["y"] == 0).any()
    assert torch.equal(testing({"x": X})["y"], X)


def test_the_phase_of_the_layer_wins():
    assert (run(net_text(layer="phase: TRAIN"), "TEST", X) == 0).any()
    assert torch.equal(run(net_text(layer="phase: TEST"), "TRAIN", X), X)


def test_a_ratio_of_zero_changes_nothing():
    assert torch.equal(run(net_text("dropout_ratio: 0"), "TRAIN", X), X)


def test_sample_weights_test_drops_in_test_too():
    y = run(net_text("dropout_ratio: 0.2 sample_weights_test: true"), "TEST", X)
    assert abs((y == 0).float().mean().item() - 0.2) < 0.01
    torch.testing.assert_close(y[y != 0], X[y != 0] / 0.8)


def test_without_scale_train_it_shrinks_in_test_and_does_not_grow_in_training():
    text = net_text("dropout_ratio: 0.2 scale_train: false")
    torch.testing.assert_close(run(text, "TEST", X), X * 0.8)
    y = run(text, "TRAIN", X)
    assert abs((y == 0).float().mean().item() - 0.2) < 0.01
    torch.testing.assert_close(y[y != 0], X[y != 0])


def test_gradient_passes_where_the_value_does():
    x = X.clone().requires_grad_()
    y = run(net_text("dropout_ratio: 0.25"), "TRAIN", x)
    y.sum().backward()
    torch.testing.assert_close(x.grad, (y != 0).float() / 0.75)


def test_gradient_with_a_mask_held():
    text = net_text("dropout_ratio: 0.25").replace("dim: 200 dim: 500", "dim: 3 dim: 4")
    exe = netdef.compile(netdef.loads(text, phase="TRAIN"), device="cpu").double()

    def run_with_seed(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        return exe({"x": x})["y"]

    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run_with_seed, x)


def test_in_place_it_leaves_the_input_alone():
    x = X.clone()
    run(net_text().replace('top: "y"', 'top: "x"') + POOL, "TRAIN", x)
    assert torch.equal(x, X)


POOL = '\nlayer { name: "r" type: "ReLU" bottom: "x" top: "y" }'


@pytest.mark.parametrize("ratio", ["1", "-0.1", "1.5", "nan"])
def test_a_ratio_that_is_no_share_is_a_fault(ratio):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(f"dropout_ratio: {ratio}"))
    (fault,) = caught.value.diagnostics
    wanted = f"`dropout_ratio` must be at least 0 and less than 1, not {ratio}"
    assert (fault.rule, fault.message) == ("bad-value", wanted)
