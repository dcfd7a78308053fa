"""Which layers are folded into which, and which are not."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

import netdef
from netdef import catalog
from netdef.contract import absorb_outputs
from netdef.contract.of_layer import instance_of
from netdef.passes.fold import fold

DATA = 'layer { name: "x" type: "Input" top: "x" input_param { shape { %s } } }\n'
CONV = (
    'layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param '
    "{ num_output: 4 kernel_size: 1 bias_term: false } }\n"
)
BN = 'layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" }\n'
SCALE = 'layer { name: "s" type: "Scale" bottom: "bn" top: "s" scale_param { bias_term: true } }\n'
RELU = 'layer { name: "relu" type: "ReLU" bottom: "s" top: "s" }\n'


def load(text: str, phase: str = "TEST", dims: str = "dim: 2 dim: 3 dim: 5 dim: 5"):
    return netdef.loads(DATA % dims + text, phase=phase)


def folded(text: str, keep=(), **options) -> list[list[str]]:
    """The names of the layers of every group."""
    groups = fold(load(text, **options), keep)[1]
    return [[layer.name for layer in (g.first, *g.merged)] for g in groups]


def test_batch_norm_and_scale_go_into_the_convolution():
    net = load(CONV + BN + SCALE + RELU)
    smaller, (group,) = fold(net)
    assert [layer.name for layer in smaller.layers] == ["x", "conv", "relu"]
    assert [layer.name for layer in group.merged] == ["bn", "s"]
    result = group.result
    assert result is smaller.layers[1]
    assert result.tops == (net.layers[3].tops[0],)
    assert list(result.message.top) == ["s"]
    assert list(smaller.blobs) == ["x", "s"]
    assert smaller.outputs == net.outputs == ["s"]


def test_a_bias_appears_where_there_was_none():
    net = load(CONV + BN)
    smaller = fold(net)[0]
    weight, bias = smaller.params["conv"]
    assert weight is net.params["conv"][0]
    assert (bias.weight, bias.shape, bias.index) == ("bias", (4,), 1)
    assert smaller.layers[1].message.convolution_param.bias_term
    assert smaller.param_count() == 4 * 3 + 4


def test_a_bias_that_is_there_is_used():
    net = load(CONV.replace("bias_term: false", "") + BN)
    smaller = fold(net)[0]
    assert smaller.layers[1].params == net.layers[1].params


def test_the_net_given_stays_as_it_was():
    net = load(CONV + BN + SCALE)
    before = [layer.message.SerializeToString() for layer in net.layers]
    layers = net.layers
    fold(net)
    assert net.layers is layers
    assert [layer.message.SerializeToString() for layer in net.layers] == before
    assert len(net.params["conv"]) == 1


def test_in_place_layers_are_versions_of_one_name():
    in_place = BN.replace('top: "bn"', 'top: "conv"')
    scale = SCALE.replace('"bn"', '"conv"').replace('top: "s"', 'top: "conv"')
    relu = RELU.replace('"s"', '"conv"')
    net = load(CONV + in_place + scale + relu)
    smaller, groups = fold(net)
    assert len(groups) == 1
    assert smaller.layers[1].tops[0].version == 2
    assert smaller.layers[2].bottoms == smaller.layers[1].tops
    assert smaller.outputs == ["conv"]


def test_several_groups():
    more = (
        'layer { name: "ip" type: "InnerProduct" bottom: "s" top: "ip" inner_product_param '
        '{ num_output: 2 } }\nlayer { name: "b2" type: "BatchNorm" bottom: "ip" top: "b2" }'
    )
    assert folded(CONV + BN + SCALE + RELU + more) == [["conv", "bn", "s"], ["ip", "b2"]]


def test_a_scale_takes_what_follows():
    text = 'layer { name: "s" type: "Scale" bottom: "x" top: "conv" }\n' + BN
    assert folded(text) == [["s", "bn"]]
    spans_more = text.replace('top: "conv"', 'top: "conv" scale_param { num_axes: 2 }')
    assert folded(spans_more) == []


READER = 'layer { name: "other" type: "ReLU" bottom: "conv" top: "other" }\n'
FACTOR = DATA.replace('"x"', '"f"') % "dim: 4"
SHARED = 'param { name: "w" } '
LOSS = "loss_weight: 1 "


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        (CONV + READER + BN + SCALE, []),
        (CONV + BN + READER.replace('bottom: "conv"', 'bottom: "bn"') + SCALE, [["conv", "bn"]]),
        (
            CONV + BN + FACTOR + SCALE.replace('bottom: "bn"', 'bottom: "bn" bottom: "f"'),
            [["conv", "bn"]],
        ),
        (CONV + READER.replace('"other"', '"conv"') + BN, []),  # in place between the two
        (CONV.replace('top: "conv"', f'top: "conv" {LOSS}') + BN, []),
        (CONV + BN.replace('top: "bn"', f'top: "bn" {LOSS}') + SCALE, [["conv", "bn"]]),
        (CONV + BN + SCALE.replace('top: "s"', f'top: "s" {LOSS}'), [["conv", "bn", "s"]]),
        (CONV + SCALE.replace('"bn"', '"conv"').replace("{ bias", "{ axis: 2 bias"), []),
        (CONV + SCALE.replace('"bn"', '"conv"').replace("{ bias", "{ num_axes: 3 bias"), []),
        (CONV + BN.replace("}", "batch_norm_param { use_global_stats: false } }"), []),
    ],
    ids=[
        "read elsewhere",
        "read elsewhere later",
        "two bottoms",
        "not affine between",
        "loss before",
        "loss between",
        "loss behind",
        "another axis",
        "more axes",
        "batch statistics",
    ],
)
def test_what_stands_between(text, groups):
    assert folded(text) == groups


def test_the_batchs_statistics_are_not_folded_in_training():
    assert folded(CONV + BN, phase="TRAIN") == []


@pytest.mark.parametrize(
    ("keep", "groups"),
    [
        ((), [["conv", "bn", "s"]]),
        (("s",), [["conv", "bn", "s"]]),
        (("bn",), [["conv", "bn"]]),
        (("conv",), []),
    ],
)
def test_a_blob_that_is_asked_for_stays(keep, groups):
    assert folded(CONV + BN + SCALE, keep) == groups


def test_shared_parameters_stay_apart():
    first = CONV.replace('top: "conv"', f'top: "conv" {SHARED}')
    second = first.replace('name: "conv"', 'name: "conv2"').replace('top: "conv"', 'top: "conv2"')
    assert folded(first + second + BN) == []
    assert folded(first + BN) == [["conv", "bn"]]  # shared with nobody
    shared = SCALE.replace('top: "s"', f'top: "s" {SHARED}')
    other = shared.replace('name: "s"', 'name: "s2"').replace('bottom: "bn"', 'bottom: "x2"')
    other = other.replace('top: "s"', 'top: "s2"')
    data = DATA.replace('"x"', '"x2"') % "dim: 1 dim: 4"
    assert folded(CONV + BN + shared + data + other) == [["conv", "bn"]]


def test_outputs_must_be_counted_along_axis_1():
    ip = (
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "conv" inner_product_param '
        "{ num_output: 3 axis: %d } }\n"
    )
    dims = "dim: 2 dim: 3 dim: 5"
    assert folded(ip % 2 + BN, dims=dims) == []
    assert folded(ip % 1 + BN, dims=dims) == [["ip", "bn"]]
    assert folded(ip % -2 + BN, dims=dims) == [["ip", "bn"]]
    conv = CONV.replace("num_output: 4", "num_output: 3 axis: %d")
    dims = "dim: 2 dim: 3 dim: 5 dim: 5 dim: 5"
    assert folded(conv % 2 + BN, dims=dims) == []
    assert folded(conv % -4 + BN, dims=dims) == [["conv", "bn"]]


def test_several_tops_are_not_folded():
    twice = CONV.replace('bottom: "x" top: "conv"', 'bottom: "x" bottom: "x" top: "conv" top: "c"')
    assert folded(twice + BN) == []


ABSORBING = [
    pytest.param(name, example, id=f"{name}-{index}")
    for name in catalog.names()
    for index, example in enumerate(catalog.find(name).examples)
    if catalog.find(name).absorbs_affine
]


@pytest.mark.parametrize(("name", "example"), ABSORBING)
def test_every_type_that_absorbs_does(name, example):
    """Weights that have absorbed a factor and a shift give the top, multiplied and shifted."""
    kind = catalog.find(name)
    layer = netdef.loads(example.prototxt(name), phase=example.phase).layers[-1]
    n = instance_of(layer, catalog.own_message(kind, layer.message))
    absorb = kind.absorb(n)
    if absorb is None or len(layer.tops) > 1:
        return
    fields = example.text.replace("bias_term: false", "").replace("bias_term: true", "")
    fields = fields.partition("{")[2] or "}"
    with_bias = replace(example, text=f"{kind.param} {{ bias_term: true {fields}")
    roomy = netdef.loads(with_bias.prototxt(name))
    plain = netdef.compile(netdef.loads(example.prototxt(name)), device="cpu").double()
    exe = netdef.compile(roomy, device="cpu").double()
    channels = layer.tops[0].shape[1]
    factor, shift = torch.randn(2, channels, dtype=torch.float64)
    held = dict(zip((p.weight for p in layer.params), plain.params["example"], strict=True))
    with torch.no_grad():
        for tensor in held.values():
            tensor.normal_()
        new = absorb(held, factor, shift)
        for param, tensor in zip(roomy.params["example"], exe.params["example"], strict=True):
            tensor.copy_(new[param.weight])
    feeds = {f"in{i}": torch.randn(v.shape).double() for i, v in enumerate(example.inputs)}
    before, after = plain.run(feeds)["out0"], exe.run(feeds)["out0"]
    along = [1, channels] + [1] * (before.dim() - 2)
    torch.testing.assert_close(after, before * factor.view(along) + shift.view(along))


@pytest.mark.parametrize("groups", [1, 2])
def test_weights_with_the_outputs_second(groups):
    x = torch.randn(2, 4, 3, 3, dtype=torch.float64)
    weight = torch.randn(4, 6 // groups, 2, 2, dtype=torch.float64)
    factor, shift = torch.randn(2, 6, dtype=torch.float64)
    new = absorb_outputs(1, groups)({"weight": weight}, factor, shift)
    before = functional.conv_transpose2d(x, weight, groups=groups)
    after = functional.conv_transpose2d(x, new["weight"], new["bias"], groups=groups)
    along = (1, 6, 1, 1)
    torch.testing.assert_close(after, before * factor.view(along) + shift.view(along))
