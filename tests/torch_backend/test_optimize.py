"""Optimized copies give the same outputs."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError

IMAGES = (
    'layer { name: "x" type: "Input" top: "x" '
    "input_param { shape { dim: 2 dim: 3 dim: 9 dim: 9 } } }\n"
)
NET = (
    IMAGES
    + """
layer { name: "c1" type: "Convolution" bottom: "x" top: "c1" convolution_param {
  num_output: 6 kernel_size: 3 bias_term: false weight_filler { type: "msra" } } }
layer { name: "b1" type: "BatchNorm" bottom: "c1" top: "c1" }
layer { name: "s1" type: "Scale" bottom: "c1" top: "c1" scale_param { bias_term: true } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "c2" type: "Convolution" bottom: "c1" top: "c2" convolution_param {
  num_output: 4 kernel_size: 3 group: 2 weight_filler { type: "msra" }
  bias_filler { type: "gaussian" } } }
layer { name: "b2" type: "BatchNorm" bottom: "c2" top: "b2" }
"""
)
DENSE = """
layer { name: "ip" type: "InnerProduct" bottom: "b2" top: "ip" inner_product_param {
  num_output: 5 transpose: true weight_filler { type: "xavier" } } }
layer { name: "b3" type: "BatchNorm" bottom: "ip" top: "b3" }
"""


def executable(text: str, phase: str = "TEST", **options):
    """A program whose statistics and factors are drawn."""
    torch.manual_seed(0)
    exe = netdef.compile(netdef.loads(text, phase=phase), device="cpu", **options)
    for layer in exe.net.layers:
        if layer.type == "BatchNorm":
            mean, variance, factor = exe.params[layer.name]
            mean.normal_()
            variance.uniform_(0.5, 4.0)
            factor.fill_(1.5)
        elif layer.type == "Scale":
            for tensor in exe.params[layer.name]:
                tensor.data.normal_()
    return exe


def images(batch: int = 2, size: int = 9) -> torch.Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(1))


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    limit = 1e-5 * max(1.0, expected.abs().max().item())
    assert (actual - expected).abs().max().item() <= limit


@pytest.mark.parametrize("text", [NET, NET + DENSE])
def test_outputs_are_the_same(text):
    exe = executable(text)
    fast = exe.optimized()
    (name,) = exe.net.outputs
    for x in (images(), images(batch=5)):
        close(fast({"x": x})[name], exe({"x": x})[name])
    close(fast({"x": images().numpy()})[name], exe({"x": images()})[name])


def test_layers_are_gone():
    fast = executable(NET + DENSE).optimized()
    assert [layer.name for layer in fast.net.layers] == ["x", "c1", "r1", "c2", "ip"]
    assert [len(tensors) for tensors in fast.params.values()] == [2, 2, 2]
    assert not [b for name, b in fast.named_buffers() if name != "_like"]


def test_another_size_may_be_fed():
    exe = executable(NET)
    x = images(batch=1, size=14)
    close(exe.optimized()({"x": x})["b2"], exe({"x": x})["b2"])


def test_remaining_blobs_can_be_asked_for_and_others_cannot():
    exe = executable(NET)
    fast = exe.optimized()
    assert list(fast.net.blobs) == ["x", "c1", "b2"]
    close(fast.run({"x": images()}, ["c1"])["c1"], exe.run({"x": images()}, ["c1"])["c1"])
    with pytest.raises(NetdefError, match="no blob `c2`"):
        fast.run({"x": images()}, ["c2"])


def test_blobs_can_be_kept():
    exe = executable(NET)
    fast = exe.optimized(keep=["c2"])
    blobs = exe.run({"x": images()}, ["c2", "b2"])
    for name, values in fast.run({"x": images()}, ["c2", "b2"]).items():
        close(values, blobs[name])
    with pytest.raises(NetdefError) as caught:
        exe.optimized(keep=["c22"])
    assert "did you mean `c2`?" in (caught.value.diagnostics[0].note or "")


def test_the_copy_is_frozen():
    exe = executable(NET)
    fast = exe.optimized()
    before = fast({"x": images()})["b2"]
    assert not any(p.requires_grad for p in fast.parameters())
    assert not before.requires_grad
    with torch.no_grad():
        for tensor in [t for ts in exe.params.values() for t in ts]:
            tensor.mul_(2.0)
    assert torch.equal(fast({"x": images()})["b2"], before)


def test_the_original_and_the_random_numbers_stay_as_they_were():
    exe = executable(NET)
    state = {k: v.clone() for k, v in exe.state_dict().items()}
    drawn = torch.get_rng_state()
    fast = exe.optimized()
    with torch.no_grad():
        for p in fast.parameters():
            p.zero_()
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(v, state[k]) for k, v in exe.state_dict().items())
    assert all(p.requires_grad for p in exe.parameters())


def test_small_variances_lose_nothing_to_float32():
    """Folded in float64, the weights are within one rounding of the exact ones."""
    exe = executable(NET)
    with torch.no_grad():
        exe.params["b1"][1].fill_(1e-6)
        exe.params["b1"][2].fill_(999.9)
    mean, variance, factor = (t.double() for t in exe.params["b1"])
    scale, bias = (t.detach().double() for t in exe.params["s1"])
    multiplier = scale / (variance / factor + np.float32(1e-5)).sqrt()
    weight = exe.params["c1"][0].detach().double() * multiplier.view(-1, 1, 1, 1)
    folded = exe.optimized().params["c1"]
    assert torch.equal(folded[0].detach(), weight.float())
    assert torch.equal(folded[1].detach(), (bias - mean / factor * multiplier).float())


def test_other_precisions_and_types():
    double = executable(NET).double()
    fast = double.optimized()
    y = fast({"x": images()})["b2"]
    assert y.dtype == torch.float64
    torch.testing.assert_close(y, double({"x": images()})["b2"])
    half = executable(NET, precision="bf16")
    y = half.optimized()({"x": images()})["b2"]
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, half({"x": images()})["b2"], atol=0.2, rtol=0.1)


def test_convolutions_run_with_the_channels_innermost():
    fast = executable(NET).optimized()
    assert fast.params["c1"][0].is_contiguous(memory_format=torch.channels_last)
    y = fast({"x": images()})["b2"]
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_what_the_outputs_do_not_need_is_dropped():
    branch = """
layer { name: "l" type: "Input" top: "l" input_param { shape { dim: 2 } } }
layer { name: "dead" type: "Convolution" bottom: "c2" top: "dead" convolution_param {
  num_output: 2 kernel_size: 1 } }
layer { name: "nothing" type: "Silence" bottom: "dead" bottom: "l" }
"""
    exe = executable(NET + branch)
    fast = exe.optimized()
    assert [layer.name for layer in fast.net.layers] == ["x", "c1", "r1", "c2"]
    close(fast({"x": images()})["b2"], exe({"x": images()})["b2"])


def test_batch_statistics_stay():
    exe = executable(NET, phase="TRAIN")
    fast = exe.optimized()
    assert len(fast.net.layers) == len(exe.net.layers)
    close(fast({"x": images()})["b2"], exe({"x": images()})["b2"])


def test_a_parameter_keeps_its_values_when_its_owner_goes():
    shared = """
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" }
  inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "nothing" type: "Silence" bottom: "a" }
layer { name: "b" type: "InnerProduct" bottom: "x" top: "b"
  param { name: "w" share_mode: PERMISSIVE }
  inner_product_param { num_output: 6 transpose: true } }
layer { name: "c" type: "InnerProduct" bottom: "x" top: "c" param { name: "w" }
  inner_product_param { num_output: 6 } }
"""
    exe = executable(IMAGES + shared)
    fast = exe.optimized()
    assert [layer.name for layer in fast.net.layers] == ["x", "b", "c"]
    for name, values in exe({"x": images()}).items():
        close(fast({"x": images()})[name], values)


def test_siamese_branches_still_share():
    second = NET.replace(IMAGES, IMAGES.replace('"x"', '"y"')).replace('"x"', '"y"')
    for name in ("c1", "b1", "s1", "c2", "b2", "r1"):
        second = second.replace(f'"{name}"', f'"{name}_"')
    params = 'param { name: "one" } convolution_param {\n  num_output: 6'
    both = (NET + second).replace("convolution_param {\n  num_output: 6", params)
    exe = executable(both)
    fast = exe.optimized()
    feeds = {"x": images(), "y": images() + 1}
    for name, values in exe(feeds).items():
        close(fast(feeds)[name], values)
    assert fast.params["c1"][0] is fast.params["c1_"][0]


def test_a_shape_from_outside_stays():
    net = netdef.loads(NET, shapes={"x": (1, 3, 20, 20)})
    exe = netdef.compile(net, device="cpu")
    assert exe.optimized().net.blobs["b2"].shape == (1, 4, 16, 16)


def test_optimizing_twice_changes_nothing():
    exe = executable(NET + DENSE)
    fast = exe.optimized()
    again = fast.optimized()
    assert torch.equal(again({"x": images()})["b3"], fast({"x": images()})["b3"])


def test_it_has_no_weight_files(tmp_path):
    fast = executable(NET).optimized()
    for function in (fast.load_weights, fast.save_weights):
        with pytest.raises(NetdefError) as caught:
            function(tmp_path / "x.caffemodel")
        assert caught.value.diagnostics[0].rule == "frozen"
    assert not list(tmp_path.iterdir())
