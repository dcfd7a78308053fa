"""Shapes and parameters."""

import pytest

import netdef

DATA = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 } } }\n'


def ip(name: str, bottom: str, param: str = "", outputs: int = 4) -> str:
    """Return an InnerProduct layer."""
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" {param} '
        f"inner_product_param {{ num_output: {outputs} }} }}\n"
    )


def test_shapes_and_parameters() -> None:
    """Names, shapes and counts of a small net."""
    net = netdef.loads(DATA + ip("a", "data", outputs=3) + ip("b", "a", outputs=5))
    assert [p.shape for p in net.params["a"]] == [(3, 4), (3,)]
    assert net.blobs["b"].shape == (2, 5)
    assert net.param_count() == 3 * 4 + 3 + 5 * 3 + 5
    assert (net.inputs, net.outputs) == (["data"], ["b"])


def test_shared_parameters_count_once() -> None:
    """The first layer that names a parameter owns it, with its multipliers."""
    share = 'param { name: "w" lr_mult: 3 } param { name: "b" }'
    other = 'param { name: "w" } param { name: "b" }'
    net = netdef.loads(DATA + ip("a", "data", share) + ip("c", "a", other))
    assert net.param_count() == 20
    assert [p.root for p in net.params["c"]] == list(net.params["a"])
    assert net.params["c"][0].lr_mult == 3


def test_permissive_sharing_needs_equal_counts() -> None:
    """STRICT wants equal shapes, PERMISSIVE equal counts."""
    net = DATA + ip("a", "data", 'param { name: "w" }', 8)
    net += 'layer { name: "r" type: "Reshape" bottom: "data" top: "r" '
    net += "reshape_param { shape { dim: 1 dim: 8 } } }\n"
    strict = ip("b", "r", 'param { name: "w" }', 4)
    assert [d.rule for d in _faults(net + strict)] == ["shape-mismatch"]
    permissive = ip("b", "r", 'param { name: "w" share_mode: PERMISSIVE }', 4)
    loaded = netdef.loads(net + permissive)
    assert loaded.params["b"][0].root is loaded.params["a"][0]
    exe = netdef.compile(loaded, device="cpu")
    assert exe.params["b"][0] is exe.params["a"][0]
    assert exe({"data": [[1.0, 2, 3, 4], [5, 6, 7, 8]]})["b"].shape == (1, 4)


def test_shape_override() -> None:
    """`shapes` replaces what the file says; a name that is no input is an error."""
    net = netdef.loads(DATA + ip("a", "data"), shapes={"data": (7, 9)})
    assert net.params["a"][0].shape == (4, 9)
    assert net.blobs["a"].shape == (7, 4)
    with pytest.raises(netdef.NetdefError, match="not an input"):
        netdef.loads(DATA + ip("a", "data"), shapes={"dta": (7, 9)})


def test_unknown_type_degrades_locally() -> None:
    """What does not depend on an unknown layer is inferred all the same."""
    text = (
        DATA
        + 'layer { name: "u" type: "QuantumFlux" bottom: "data" top: "u" flux { a: 1 } }\n'
        + ip("lost", "u")
        + ip("found", "data")
    )
    net = netdef.loads(text)
    assert [d.rule for d in net.diagnostics] == ["unknown-layer-type"]
    assert (net.blobs["u"].shape, net.blobs["lost"].shape) == (None, None)
    assert net.blobs["found"].shape == (2, 4)
    with pytest.raises(netdef.NetdefError, match="cannot run"):
        netdef.compile(net, device="cpu")


@pytest.mark.parametrize("name", ["innerproduct", "Inner_Product", "InerProduct", "InnerProdcut"])
def test_slips_of_a_type_are_errors(name: str) -> None:
    """One slip away from a known name is surely that name."""
    (fault,) = _faults(DATA + ip("a", "data").replace("InnerProduct", name))
    assert (fault.rule, fault.note) == ("unknown-layer-type", "did you mean `InnerProduct`?")


def test_absurd_sizes_are_refused() -> None:
    """Sizes are checked before memory is taken."""
    text = DATA + ip("a", "data", outputs=2**31) + ip("b", "a", outputs=2**31)
    assert [d.rule for d in _faults(text)] == ["too-large"]
    net = netdef.loads(DATA + ip("a", "data", outputs=2**32 - 1) + ip("b", "a", outputs=200))
    with pytest.raises(netdef.NetdefError, match="GiB"):
        netdef.compile(net, device="cpu")


def _faults(text: str) -> list[netdef.Diagnostic]:
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(text)
    return caught.value.diagnostics
