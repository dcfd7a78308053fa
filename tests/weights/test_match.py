"""Which array goes to which parameter."""

import numpy as np
import pytest

from netdef.source import NetdefError
from netdef.weights import StoredLayer, Weights, match_weights
from netdef.weights.match import fits

SIAMESE = """\
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a"
        param { name: "w" } param { name: "b" } inner_product_param { num_output: 3 } }
layer { name: "a_p" type: "InnerProduct" bottom: "data" top: "a_p"
        param { name: "w" } param { name: "b" } inner_product_param { num_output: 3 } }
"""


def stored(name, *shapes, legacy=(), value=1):
    blobs = tuple(np.full(shape, value, np.float32) for shape in shapes)
    return StoredLayer(name, blobs, legacy=frozenset(legacy))


@pytest.mark.parametrize(
    ("old", "shape", "matches"),
    [
        ((1, 1, 10, 500), (10, 500), True),
        ((1, 1, 1, 500), (500,), True),
        ((1, 1, 1, 1), (), True),
        ((20, 1, 5, 5), (20, 1, 5, 5), True),
        ((1, 1, 10, 500), (1, 10, 500), True),
        ((2, 3, 1, 1), (2, 3), False),
        ((1, 1, 10, 500), (500, 10), False),
        ((1, 1, 10, 500), (5000,), False),
        ((1, 2, 3, 4), (1, 1, 2, 3, 4), False),
        ((1, 1, 1, 2, 3), (2, 3), True),
    ],
)
def test_old_shapes_match_padded_on_the_left(old, shape, matches):
    assert fits(old, True, shape) is matches
    assert fits(old, False, shape) is (old == shape)


def test_everything_fits(mlp, values):
    found = match_weights(Weights.from_arrays(values), mlp)
    assert [(p.layer, p.index) for p in found.values] == [("ip1", 0), ("ip1", 1), ("ip2", 0)]
    assert found.values[mlp.params["ip1"][0]] is values["ip1"][0]
    assert (found.missing, found.unused, found.diagnostics) == ((), (), ())


def test_old_shapes_become_the_parameters(mlp):
    weights = Weights([stored("ip1", (1, 1, 3, 4), (1, 1, 1, 3), legacy=(0, 1))])
    found = match_weights(weights, mlp)
    assert [a.shape for a in found.values.values()] == [(3, 4), (3,)]
    assert found.missing == ("ip2",)
    with pytest.raises(NetdefError):
        match_weights(Weights([stored("ip1", (1, 1, 3, 4), (1, 1, 1, 3))]), mlp)


def test_what_is_on_one_side_only(mlp):
    weights = Weights([stored("ip2", (2, 3)), stored("aux", (7,)), stored("relu")])
    found = match_weights(weights, mlp)
    assert found.missing == ("ip1",)
    assert found.unused == ("aux",)


def test_all_mismatches_are_listed_with_their_places(mlp):
    weights = Weights(
        [stored("ip1", (4, 4), (4,)), stored("ip2", (2, 3), (2,))], path="x.caffemodel"
    )
    with pytest.raises(NetdefError) as caught:
        match_weights(weights, mlp)
    found = [(d.rule, str(d.span), d.message) for d in caught.value.diagnostics]
    assert found == [
        (
            "weight-mismatch",
            "net.prototxt:4:15",
            "x.caffemodel: blob 0 of layer `ip1` has the shape (4, 4) but (3, 4) in the net",
        ),
        (
            "weight-mismatch",
            "net.prototxt:4:15",
            "x.caffemodel: blob 1 of layer `ip1` has the shape (4) but (3) in the net",
        ),
        (
            "weight-mismatch",
            "net.prototxt:6:15",
            "x.caffemodel: layer `ip2` has 2 blobs but 1 in the net",
        ),
    ]


@pytest.mark.parametrize("name", ["data", "ip1"])
def test_another_number_of_blobs(mlp, name, fault_of):
    weights = Weights([stored(name, (3, 4)), stored("ip2", (2, 3))])
    text = fault_of("weight-mismatch", match_weights, weights, mlp)
    assert f"layer `{name}` has 1 blob but" in text


def test_old_shapes_in_messages(mlp, fault_of):
    weights = Weights([stored("ip2", (2, 3, 1, 1), legacy=(0,))])
    text = fault_of("weight-mismatch", match_weights, weights, mlp)
    assert "(2, 3, 1, 1) (stored as num, channels, height, width) but (2, 3)" in text


def test_weights_of_another_net(mlp, fault_of):
    weights = Weights([stored(f"conv{i}", (1,)) for i in range(9)], path="vgg.caffemodel")
    text = fault_of("weight-mismatch", match_weights, weights, mlp)
    assert "vgg.caffemodel: none of the layers is in the net" in text
    assert "`conv0`, `conv1`, `conv2`, `conv3` and 5 more are stored" in text
    assert "the net has `ip1`, `ip2`" in text


def test_weights_without_any(mlp, net_of, fault_of):
    text = fault_of("weight-mismatch", match_weights, Weights([stored("ip1")][:0]), mlp)
    assert "no layer has any weights" in text
    bare = net_of(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 } } }'
    )
    found = match_weights(Weights([stored("x", (1,))]), bare)
    assert found.unused == ("x",)


def test_shared_parameters_are_given_once(net_of):
    net = net_of(SIAMESE)
    same = Weights([stored("a", (3, 4), (3,)), stored("a_p", (3, 4), (3,))])
    found = match_weights(same, net)
    assert [(p.layer, p.index) for p in found.values] == [("a", 0), ("a", 1)]
    assert found.diagnostics == ()
    for name in ("a", "a_p"):  # either side alone is enough
        found = match_weights(Weights([stored(name, (3, 4), (3,))]), net)
        assert [(p.layer, p.index) for p in found.values] == [("a", 0), ("a", 1)]
        assert found.missing == ()


def test_shared_parameters_stored_with_other_values(net_of):
    net = net_of(SIAMESE)
    weights = Weights([stored("a", (3, 4), (3,)), stored("a_p", (3, 4), (3,), value=2)])
    found = match_weights(weights, net)
    assert all((array == 2).all() for array in found.values.values())  # the later, as in Caffe
    assert [d.rule for d in found.diagnostics] == ["weight-mismatch"] * 2
    assert not any(d.is_error for d in found.diagnostics)
    assert "`a` and `a_p` share `w`" in found.diagnostics[0].message


def test_permissive_sharing_takes_each_ones_shape(net_of):
    net = net_of("""
        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 6 } } }
        layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "w" }
                inner_product_param { num_output: 6 bias_term: false transpose: true } }
        layer { name: "b" type: "InnerProduct" bottom: "data" top: "b"
                param { name: "w" share_mode: PERMISSIVE }
                inner_product_param { num_output: 6 bias_term: false } }
    """)
    found = match_weights(Weights([stored("b", (6, 6))]), net)
    assert [(p.layer, a.shape) for p, a in found.values.items()] == [("a", (6, 6))]


def test_a_sharer_with_fewer_blobs(net_of, fault_of):
    """A format that keeps shared parameters with their owner only may leave them out; none else."""
    net = net_of(SIAMESE)
    layers = [stored("a", (3, 4), (3,)), stored("a_p")]
    assert len(match_weights(Weights(layers, omits_shared=True), net).values) == 2
    fault_of("weight-mismatch", match_weights, Weights(layers), net)
    only = Weights([stored("a"), stored("a_p", (3, 4), (3,))], omits_shared=True)
    fault_of("weight-mismatch", match_weights, only, net)


def test_layers_of_unknown_type_are_left_out(net_of):
    net = net_of("""
        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 6 } } }
        layer { name: "a" type: "InnerProduct" bottom: "data" top: "a"
                inner_product_param { num_output: 6 bias_term: false } }
        layer { name: "b" type: "SomethingOfAFork" bottom: "a" top: "b" }
    """)
    weights = Weights([stored("a", (6, 6)), stored("b", (9,))])
    assert match_weights(weights, net).unused == ("b",)


def test_warnings_of_the_file_are_passed_on(mlp, tmp_path):
    from netdef.weights import read_weights, write_weights

    write_weights(tmp_path / "x.caffemodel", {"ip2": [np.full((2, 3), np.nan)]})
    found = match_weights(read_weights(tmp_path / "x.caffemodel"), mlp)
    assert [d.rule for d in found.diagnostics] == ["non-finite-weights"]


def test_what_does_not_fit_may_be_left_out(mlp, values):
    """A layer is left as a whole, also where its bias would fit; the others get their values."""
    (first, (weight, bias)), *_ = values.items()
    changed = {**values, first: [np.zeros((7, *weight.shape[1:]), np.float32), bias]}
    with pytest.raises(NetdefError, match="weight-mismatch"):
        match_weights(Weights.from_arrays(changed), mlp)
    found = match_weights(Weights.from_arrays(changed), mlp, skip_mismatched=True)
    (left,) = found.mismatched
    assert left.layer == first
    assert left.stored == ((7, *weight.shape[1:]), bias.shape)
    assert left.wanted == (weight.shape, bias.shape)
    assert found.missing == (first,)
    assert set(found.copied) == set(values) - {first}
    alone = Weights([stored(first, (1, 1))])
    assert match_weights(alone, mlp, skip_mismatched=True).values == {}
