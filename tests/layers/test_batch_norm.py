"""BatchNorm against its definition, and how its statistics move."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError

SHAPES = [(6, 3, 4, 5), (5, 4), (4, 2, 7), (8,), (2, 3, 2, 3, 2)]


def net_text(shape: tuple[int, ...], fields: str = "", more: str = "") -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    return (
        f'layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}\n'
        f'layer {{ name: "bn" type: "BatchNorm" bottom: "x" top: "y" '
        f"batch_norm_param {{ {fields} }} }}\n{more}"
    )


def executable(shape, fields="", phase="TRAIN", more=""):
    net = netdef.loads(net_text(shape, fields, more), phase=phase)
    return netdef.compile(net, device="cpu")


def columns(x):
    """(values, C): what belongs to a channel."""
    channels = x.shape[1] if x.ndim > 1 else 1
    rows = x.reshape(len(x), channels, -1)
    return rows.transpose(0, 2, 1).reshape(-1, channels)


def normalised(x, mean, variance, eps):
    shape = [1] * x.ndim
    if x.ndim > 1:
        shape[1] = -1
    return (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + eps)


def statistics(exe, layer="bn"):
    return [t.numpy().copy() for t in exe.params[layer]]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("phase", "fields"), [("TRAIN", ""), ("TEST", "use_global_stats: false")])
def test_the_batchs_own_statistics_normalise_and_move_the_stored_ones(shape, phase, fields):
    fraction, eps = 0.9, 0.01
    exe = executable(shape, f"{fields} moving_average_fraction: {fraction} eps: {eps}", phase)
    mean, variance, factor = (np.zeros_like(s) for s in statistics(exe))
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = rng.normal(2.0, 3.0, shape).astype(np.float32)
        own = columns(x.astype(np.float64))
        y = exe({"x": x})["y"].numpy()
        np.testing.assert_allclose(
            y, normalised(x, own.mean(0), own.var(0), eps), rtol=1e-4, atol=1e-5
        )
        mean = fraction * mean + own.mean(0)
        variance = fraction * variance + own.var(0, ddof=1)
        factor = fraction * factor + 1
        for found, wanted in zip(statistics(exe), (mean, variance, factor), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("phase", "fields"), [("TEST", ""), ("TRAIN", "use_global_stats: true")])
def test_the_stored_statistics_normalise_and_stay(shape, phase, fields):
    exe = executable(shape, f"{fields} eps: 0.1", phase)
    rng = np.random.default_rng(1)
    before = [rng.uniform(0.5, 2.0, s.shape).astype(np.float32) for s in statistics(exe)]
    for tensor, values in zip(exe.params["bn"], before, strict=True):
        tensor.copy_(torch.from_numpy(values))
    x = rng.standard_normal(shape).astype(np.float32)
    y = exe({"x": x})["y"].numpy()
    mean, variance = before[0] / before[2], before[1] / before[2]
    np.testing.assert_allclose(y, normalised(x, mean, variance, 0.1), rtol=1e-5, atol=1e-6)
    for found, wanted in zip(statistics(exe), before, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_while_the_factor_is_zero_so_are_the_statistics():
    exe = executable((2, 3), "eps: 0.25", "TEST")
    exe.params["bn"][0].fill_(7.0)
    exe.params["bn"][1].fill_(7.0)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_allclose(exe({"x": x})["y"].numpy(), x / 0.5)


def test_one_value_per_channel_is_its_own_mean():
    exe = executable((1, 3), "moving_average_fraction: 0.5")
    x = torch.tensor([[1.0, -2.0, 3.0]], requires_grad=True)
    y = exe({"x": x})["y"]
    y.sum().backward()
    assert torch.equal(y.detach(), torch.zeros(1, 3))
    assert torch.equal(x.grad, torch.zeros(1, 3))
    exe({"x": x})
    mean, variance, factor = exe.params["bn"]
    assert torch.equal(mean, 1.5 * x.detach()[0])
    assert torch.equal(variance, torch.zeros(3))
    assert factor.item() == 1.5


def test_no_values_leave_the_statistics_alone():
    exe = executable((2, 3))
    assert exe({"x": np.zeros((0, 3), np.float32)})["y"].shape == (0, 3)
    assert all(not s.any() for s in statistics(exe))


def test_every_pass_moves_the_statistics_with_or_without_gradients():
    """As under iter_size; a pass that needs no BatchNorm does not."""
    exe = executable((4, 2), "moving_average_fraction: 1")
    x = np.ones((4, 2), np.float32)
    exe({"x": x})
    with torch.no_grad():
        exe({"x": x})
    with torch.inference_mode():
        exe({"x": x})
    exe.run({"x": x}, ["x"])
    assert exe.params["bn"][2].item() == 3.0
    assert exe.params["bn"][0].tolist() == [3.0, 3.0]


def test_shared_statistics_move_once_per_layer():
    names = " ".join(f'param {{ name: "{n}" }}' for n in ("m", "v", "f"))
    second = f'layer {{ name: "again" type: "BatchNorm" bottom: "y" top: "z" {names} }}'
    text = net_text((4, 2), more=second).replace('top: "y"', f'top: "y" {names}')
    exe = netdef.compile(netdef.loads(text, phase="TRAIN"), device="cpu")
    x = np.random.default_rng(2).standard_normal((4, 2)).astype(np.float32)
    exe({"x": x})
    assert exe.params["again"][2].item() == pytest.approx(1.999)
    exe.double()  # they stay one
    exe({"x": x})
    factors = [m.factor for m in exe.modules() if hasattr(m, "factor")]
    assert factors[0] is factors[1] is exe.params["bn"][2]
    assert factors[0].item() == pytest.approx(0.999 * (0.999 * 1.999 + 1) + 1)


def test_a_test_net_reads_the_statistics_of_the_train_net():
    train = executable((16, 3))
    rng = np.random.default_rng(3)
    test = netdef.compile(netdef.loads(net_text((16, 3)), phase="TEST"), device="cpu", share=train)
    x = rng.normal(5.0, 2.0, (16, 3)).astype(np.float32)
    train({"x": x})
    expected = normalised(x, x.mean(0), x.var(0, ddof=1), 1e-5)
    np.testing.assert_allclose(test({"x": x})["y"].numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 2, 2, 2), (4, 3), (5,)])
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_gradients(shape, phase):
    exe = executable(shape, "eps: 0.1", phase).double()
    exe.params["bn"][1].fill_(2.0)
    exe.params["bn"][2].fill_(3.0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: exe({"x": x})["y"], x)


def test_nothing_is_learned():
    exe = executable((2, 3))
    assert exe.net.param_count() == 0
    assert exe.net.buffer_count() == 7
    assert not list(exe.parameters())


def test_settings_that_make_no_sense_are_all_named():
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text((2, 3), "eps: -1 moving_average_fraction: -0.5"))
    assert len(caught.value.diagnostics) == 2
