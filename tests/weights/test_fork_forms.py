"""Batch normalisation as forks store it."""

import numpy as np
import pytest

from netdef.schema import pb
from netdef.source import NetdefError
from netdef.weights import match_weights, read_weights, write_weights

DATA = (
    'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4, 4] } } }'
)
BATCH_NORM = 'layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }'
SCALE = 'layer { name: "sc" type: "Scale" bottom: "bn" top: "sc" scale_param { bias_term: true } }'
IN_PLACE = SCALE.replace('top: "sc"', 'top: "bn"')
BN = 'layer { name: "bn" type: "BN" bottom: "data" top: "bn" %s }'


@pytest.fixture
def stored(tmp_path):
    """Writes one layer of a .caffemodel, blobs in order."""

    def run(shapes, legacy=False, name="bn"):
        net = pb.NetParameter()
        layer = net.layer.add(name=name, type="BatchNorm")
        for number, shape in enumerate(shapes, 1):
            blob = layer.blobs.add(data=[number] * int(np.prod(shape)))
            if legacy:
                blob.num, blob.channels, blob.height, blob.width = shape
            else:
                blob.shape.dim.extend(shape)
        path = tmp_path / "x.caffemodel"
        path.write_bytes(net.SerializeToString())
        return read_weights(path)

    return run


@pytest.mark.parametrize("scale", [SCALE, IN_PLACE])
@pytest.mark.parametrize(
    ("shapes", "legacy"),
    [
        ([(3,), (3,), (1,), (3,), (3,)], False),
        ([(1, 3, 1, 1), (1, 3, 1, 1), (1, 1, 1, 1), (1, 3, 1, 1), (1, 3, 1, 1)], False),
        ([(1, 1, 1, 3), (1, 1, 1, 3), (1, 1, 1, 1), (1, 1, 1, 3), (1, 1, 1, 3)], True),
    ],
)
def test_five_blobs_become_two_layers(net_of, stored, tmp_path, scale, shapes, legacy):
    net = net_of(DATA + BATCH_NORM + scale)
    weights = stored(shapes, legacy)
    found = match_weights(weights, net)
    assert [(p.layer, p.weight, a.shape, a.flat[0]) for p, a in found.values.items()] == [
        ("bn", "mean", (3,), 1),
        ("bn", "variance", (3,), 2),
        ("bn", "factor", (1,), 3),
        ("sc", "weight", (3,), 4),
        ("sc", "bias", (3,), 5),
    ]
    assert (found.missing, found.unused) == ((), ())
    write_weights(tmp_path / "y.caffemodel", weights, net)
    written = read_weights(tmp_path / "y.caffemodel")
    assert [len(written[name]) for name in ("bn", "sc")] == [3, 2]


def test_five_blobs_without_a_scale(net_of, stored):
    weights = stored([(3,), (3,), (1,), (3,), (3,)])
    relu = 'layer { name: "r" type: "ReLU" bottom: "bn" top: "r" }'
    for rest in ("", relu, SCALE + relu):
        with pytest.raises(NetdefError) as caught:
            match_weights(weights, net_of(DATA + BATCH_NORM + rest))
        (fault,) = caught.value.diagnostics
        assert "layer `bn` has 5 blobs but 3 in the net" in fault.message
        assert "a Scale layer of their own right after this one" in fault.note


def test_five_blobs_of_other_sizes(net_of, stored, fault_of):
    net = net_of(DATA + BATCH_NORM + SCALE)
    weights = stored([(3,), (3,), (1,), (4,), (3,)])
    assert "5 blobs but 3" in fault_of("weight-mismatch", match_weights, weights, net)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("param", "roles"),
    [
        ("bn_param { bn_mode: INFERENCE }", ["scale", "shift"]),
        ("", ["slope", "bias", "mean", "variance"]),
    ],
)
def test_two_and_four_blobs(net_of, stored, param, roles, legacy):
    net = net_of(DATA + BN % param)
    found = match_weights(stored([(1, 3, 1, 1)] * len(roles), legacy), net)
    assert [(p.weight, a.flat[0]) for p, a in found.values.items()] == [
        (role, number) for number, role in enumerate(roles, 1)
    ]


@pytest.mark.parametrize(
    ("param", "count", "note"),
    [
        ("", 2, "SegNet's form"),
        ("bn_param { bn_mode: LEARN }", 4, "PSPNet's form"),
    ],
)
def test_the_other_form(net_of, stored, param, count, note):
    with pytest.raises(NetdefError) as caught:
        match_weights(stored([(1, 3, 1, 1)] * count), net_of(DATA + BN % param))
    assert note in caught.value.diagnostics[0].note
