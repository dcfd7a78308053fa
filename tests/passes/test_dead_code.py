"""What is left of a net when only some blobs are wanted."""

import netdef
from netdef.passes.dead_code import drop_dead_code
from netdef.passes.infer import infer

DATA = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
"""


def dense(name: str, bottom: str = "x", shared: str = "") -> str:
    param = f'param {{ name: "{shared}" }}' if shared else ""
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" {param} '
        f"inner_product_param {{ num_output: 3 }} }}\n"
    )


def left(net, *blobs: str):
    return drop_dead_code(net, [net.blobs[name] for name in blobs])


def test_only_what_is_needed_stays_in_order():
    net = netdef.loads(DATA + dense("a") + dense("b") + dense("c", "a"))
    assert [layer.name for layer in left(net, "c").layers] == ["x", "a", "c"]
    assert [layer.name for layer in left(net, "b", "a").layers] == ["x", "a", "b"]
    assert left(net, "c").inputs == ["x"]
    assert len(net.layers) == 5


def test_in_place_layers_of_a_version_that_is_not_wanted_go():
    relu = 'layer { name: "r" type: "ReLU" bottom: "a" top: "a" }\n'
    net = netdef.loads(DATA + dense("a") + relu)
    first = net.layers[2].tops[0]
    assert [layer.name for layer in drop_dead_code(net, [first]).layers] == ["x", "a"]
    assert [layer.name for layer in left(net, "a").layers] == ["x", "a", "r"]


def test_a_parameter_whose_owner_goes_finds_another():
    net = netdef.loads(DATA + "".join(dense(name, shared="w") for name in "abc"))
    smaller = left(net, "b", "c")
    (b, _), (c, _) = smaller.params["b"], smaller.params["c"]
    assert b.owner is None
    assert c.owner is b
    assert smaller.param_count() == 3 * 3 + 2 * 3
    whole = left(net, "a", "b", "c")
    assert whole.layers == tuple(net.layers[i] for i in (0, 2, 3, 4))


def test_a_new_owner_has_the_settings_of_the_old_one():
    frozen = dense("a", shared="w").replace('"w"', '"w" lr_mult: 0')
    last = dense("c", shared="w").replace('"w"', '"w" lr_mult: 0')
    net = netdef.loads(DATA + frozen + dense("b", shared="w") + last)
    smaller = left(net, "b", "c")
    assert [p.lr_mult for p in (*smaller.params["b"], *smaller.params["c"])] == [0, 1, 0, 1]
    again = infer(smaller)
    assert again.diagnostics == ()
    assert again.params["b"][0].lr_mult == 0
