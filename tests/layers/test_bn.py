"""BN: which form a file means, how statistics move, and the gradients of the fork."""

import numpy as np
import pytest
import torch

import netdef


def net(shape: tuple[int, ...], fields: str = "", kind: str = "BN", more: str = "") -> str:
    return (
        'layer { name: "x" type: "Input" top: "x"'
        f" input_param {{ shape {{ dim: {list(shape)} }} }} }}\n"
        f'layer {{ name: "b" type: "{kind}" bottom: "x" top: "y" {more}'
        f" bn_param {{ {fields} }} }}"
    )


def program(shape, fields="", phase="TEST", kind="BN"):
    exe = netdef.compile(netdef.loads(net(shape, fields, kind), phase=phase), device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for param in exe.params["b"]:
            param.uniform_(0.5, 2.0, generator=generator)
    return exe


def along(values, x):
    return np.asarray(values).reshape(-1, *[1] * (x.ndim - 2))


def statistics(x):
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    return x.mean(axes, dtype=float), x.var(axes, dtype=float)


@pytest.mark.parametrize(
    ("fields", "blobs"),
    [
        ("", 4),
        ("slope_filler { value: 1 }", 4),
        ("bias_filler { value: 1 }", 4),
        ("momentum: 0.5", 4),
        ("eps: 1e-3", 4),
        ("frozen: false", 4),
        ("engine: CUDNN", 4),
        ("scale_filler { value: 1 }", 2),
        ("shift_filler { value: 1 }", 2),
        ("bn_mode: LEARN", 2),
        ("bn_mode: INFERENCE", 2),
    ],
)
@pytest.mark.parametrize("kind", ["BN", "SyncBN"])
def test_the_fields_tell_the_form(fields, blobs, kind):
    params = netdef.loads(net((2, 3, 4, 5), fields, kind)).params["b"]
    assert [p.shape for p in params] == [(1, 3, 1, 1)] * blobs


def test_fields_of_both_forms_are_a_fault():
    text = net((2, 3), "bn_mode: INFERENCE momentum: 0.5")
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(text)
    (fault,) = caught.value.diagnostics
    assert "`bn_mode` is for SegNet's form of BN, but `momentum` for PSPNet's" in fault.message
    assert [label.message for label in fault.labels] == ["`momentum` is given here"]


@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (6, 3), (2, 3, 7), (2, 2, 2, 3, 2)])
@pytest.mark.parametrize(("phase", "fields"), [("TEST", ""), ("TRAIN", "frozen: true")])
def test_stored_statistics_normalise_and_stay(shape, phase, fields):
    exe = program(shape, f"eps: 0.1 {fields}", phase)
    before = [p.detach().numpy().copy() for p in exe.params["b"]]
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    slope, bias, mean, variance = (along(b, x) for b in before)
    expected = slope * (x - mean) / np.sqrt(variance + 0.1) + bias
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            y = exe({"x": torch.tensor(x, requires_grad=grad)})["y"].detach().numpy()
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    for param, values in zip(exe.params["b"], before, strict=True):
        np.testing.assert_array_equal(param.detach().numpy(), values)


@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (6, 3), (2, 3, 7)])
def test_training_moves_the_statistics_by_the_biased_variance(shape):
    exe = program(shape, "momentum: 0.75 eps: 0.01", "TRAIN")
    slope, bias, mean, variance = (p.detach().numpy().flatten() for p in exe.params["b"])
    rng = np.random.default_rng(0)
    mean, variance = mean.astype(float), variance.astype(float)
    for _ in range(3):
        x = rng.normal(2.0, 3.0, shape).astype(np.float32)
        own_mean, own_variance = statistics(x)
        mean = 0.75 * mean + 0.25 * own_mean
        variance = 0.75 * variance + 0.25 * own_variance
        y = exe({"x": x})["y"].detach().numpy()
        normalised = (x - along(own_mean, x)) / np.sqrt(along(own_variance, x) + 0.01)
        expected = along(slope, x) * normalised + along(bias, x)
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(exe.params["b"][2].numpy().flatten(), mean, rtol=1e-5)
        np.testing.assert_allclose(exe.params["b"][3].numpy().flatten(), variance, rtol=1e-5)


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_segnets_learn_normalises_by_the_batch_in_both_phases(phase):
    exe = program((4, 3, 2, 2), "bn_mode: LEARN", phase)
    scale, shift = (p.detach().numpy() for p in exe.params["b"])
    x = np.random.default_rng(0).normal(2.0, 3.0, (4, 3, 2, 2)).astype(np.float32)
    mean, variance = statistics(x)
    expected = scale * (x - along(mean, x)) / np.sqrt(along(variance, x) + 1e-9) + shift
    np.testing.assert_allclose(exe({"x": x})["y"].detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "fields", "phase"),
    [
        ((3, 2, 2, 2), "eps: 0.1", "TRAIN"),
        ((5, 3), "eps: 0.1 momentum: 1", "TRAIN"),
        ((3, 2, 2), "frozen: true", "TRAIN"),
        ((3, 2, 2), "frozen: true", "TEST"),
        ((3, 2, 2, 2), "bn_mode: LEARN", "TEST"),
        ((3, 2, 2, 2), "bn_mode: INFERENCE", "TRAIN"),
    ],
)
def test_gradients(shape, fields, phase):
    exe = program(shape, fields, phase).double()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    learned = [p for p in exe.params["b"] if isinstance(p, torch.nn.Parameter)]

    def run(x: torch.Tensor, *params: torch.Tensor) -> torch.Tensor:
        del params
        return exe({"x": x})["y"]

    assert torch.autograd.gradcheck(run, (x, *learned))


def test_the_gradient_of_test_is_that_of_train_with_the_stored_statistics():
    exe = program((4, 3, 2, 5), "eps: 0.1").double()
    slope, _, mean, variance = (p.detach() for p in exe.params["b"])
    x = torch.randn(4, 3, 2, 5, dtype=torch.float64, requires_grad=True)
    given = torch.randn_like(x)
    exe({"x": x})["y"].backward(given)
    inverse = (variance + 0.1).rsqrt()
    normalised = (x.detach() - mean) * inverse
    g = given * slope

    def average(values: torch.Tensor) -> torch.Tensor:
        return values.mean((0, 2, 3), keepdim=True)

    expected = inverse * (g - average(g) - normalised * average(g * normalised))
    torch.testing.assert_close(x.grad, expected)
    sums = (given * normalised).sum((0, 2, 3), keepdim=True)
    torch.testing.assert_close(exe.params["b"][0].grad, sums)


def test_frozen_learns_nothing_and_starts_with_a_variance_of_1():
    exe = netdef.compile(netdef.loads(net((2, 3), "frozen: true"), phase="TRAIN"), device="cpu")
    assert exe.net.param_count() == 0
    assert exe.net.buffer_count() == 12
    assert [float(p.sum()) for p in exe.params["b"]] == [0, 0, 0, 3]
    fresh = netdef.compile(netdef.loads(net((2, 3)), phase="TRAIN"), device="cpu")
    assert [float(p.detach().sum()) for p in fresh.params["b"]] == [0, 0, 0, 0]


def test_one_value_per_channel_is_its_own_mean():
    exe = program((1, 3), "momentum: 0.5", "TRAIN")
    _, bias, mean, variance = (p.detach().clone().flatten() for p in exe.params["b"])
    x = torch.tensor([[1.0, -2.0, 3.0]])
    torch.testing.assert_close(exe({"x": x})["y"].detach()[0], bias)
    torch.testing.assert_close(exe.params["b"][2].flatten(), 0.5 * mean + 0.5 * x[0])
    torch.testing.assert_close(exe.params["b"][3].flatten(), 0.5 * variance)


def test_shared_statistics_stay_one():
    names = " ".join(f'param {{ name: "{n}" }}' for n in "sbmv")
    text = net((4, 2), more=names)
    text += f'\nlayer {{ name: "again" type: "BN" bottom: "y" top: "z" {names} }}'
    exe = netdef.compile(netdef.loads(text, phase="TRAIN"), device="cpu").double()
    exe({"x": np.ones((4, 2))})
    means = [m.mean for m in exe.modules() if hasattr(m, "momentum")]
    assert means[0] is means[1] is exe.params["b"][2]


@pytest.mark.parametrize("fields", ["", "bn_mode: INFERENCE"])
def test_it_is_folded_into_a_convolution(fields):
    text = f"""
        layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: [2, 3, 5, 5] }} }} }}
        layer {{ name: "c" type: "Convolution" bottom: "x" top: "c"
                convolution_param {{ num_output: 4 kernel_size: 3 bias_term: false }} }}
        layer {{ name: "b" type: "BN" bottom: "c" top: "b" bn_param {{ {fields} }} }}"""
    exe = netdef.compile(netdef.loads(text, phase="TEST"), device="cpu")
    for param in (*exe.params["c"], *exe.params["b"]):
        torch.nn.init.uniform_(param, 0.5, 2.0)
    x = torch.randn(2, 3, 5, 5)
    smaller = exe.optimized()
    assert [layer.name for layer in smaller.net.layers] == ["x", "c"]
    torch.testing.assert_close(smaller({"x": x})["b"], exe({"x": x})["b"].detach())


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
@pytest.mark.parametrize("fields", ["", "bn_mode: LEARN", "bn_mode: INFERENCE"])
def test_mixed_precision_keeps_the_type_it_is_given(precision, phase, fields):
    text = net((4, 3), fields).replace('bottom: "x"', 'bottom: "ip"')
    ip = (
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"'
        ' inner_product_param { num_output: 4 } }\nlayer { name: "b"'
    )
    loaded = netdef.loads(text.replace('layer { name: "b"', ip), phase=phase)
    exe = netdef.compile(loaded, device="cpu", precision=precision)
    x = torch.randn(4, 3, requires_grad=True)
    blobs = exe.run({"x": x}, ["ip", "y"])
    assert blobs["y"].dtype == blobs["ip"].dtype != torch.float32
    blobs["y"].float().sum().backward()


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ("eps: -1", "`eps` must not be negative, but is -1"),
        ("momentum: 2", "`momentum` must be from 0 to 1, not 2"),
    ],
)
def test_faults(fields, part):
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net((2, 3), fields))
    assert part in caught.value.diagnostics[0].message


def test_an_axis_for_the_channels_is_wanted():
    with pytest.raises(netdef.NetdefError, match="not 1 axes"):
        netdef.loads(net((3,)))
