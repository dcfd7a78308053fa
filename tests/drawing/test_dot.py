"""DOT source: what is in the boxes, on the edges, and in which colours."""

import re
from pathlib import Path

import pytest

from netdef.contract import Window
from netdef.drawing import NETSCOPE, draw, to_dot
from netdef.drawing.diagram import diagram_of
from netdef.drawing.label import describe, show_window

GOLDEN = Path(__file__).parent / "small.dot"

INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }'


def stacks(net):
    """Names of the layers in every box."""
    return [[layer.name for layer in box.layers] for box in diagram_of(net).boxes]


def statements(net):
    """The lines of the source, by what they start with."""
    return {line.split(" [")[0].strip(): line for line in to_dot(net).source.splitlines()}


def test_golden(small):
    assert draw(small, "dot").decode() == GOLDEN.read_text(encoding="utf-8")


def test_dot_and_gv_are_one_format(small):
    assert draw(small, "gv") == draw(small, "dot")


def test_the_same_net_gives_the_same_source(load):
    text = f'{INPUT} layer {{ name: "r" type: "ReLU" bottom: "x" top: "r" }}'
    assert to_dot(load(text)).source == to_dot(load(text)).source


# ------------------------------------------------------------------------------- what is folded


def test_layers_in_place_stack_in_the_box_above(small):
    assert ["conv/3x3", "bn", "scale", "relu"] in stacks(small)


def test_a_layer_in_place_stands_alone_when_others_read_what_it_overwrites(load):
    net = load(f"""{INPUT}
        layer {{ name: "reader" type: "TanH" bottom: "x" top: "t" }}
        layer {{ name: "relu" type: "ReLU" bottom: "x" top: "x" }}
    """)
    assert stacks(net) == [["x"], ["reader"], ["relu"]]
    assert "x -> relu" in statements(net)


def test_a_layer_in_place_below_one_of_two_tops_stands_alone(load):
    net = load(f"""{INPUT}
        layer {{ name: "cut" type: "Slice" bottom: "x" top: "a" top: "b" }}
        layer {{ name: "relu" type: "ReLU" bottom: "a" top: "a" }}
    """)
    assert stacks(net) == [["x"], ["cut"], ["relu"]]


def test_a_layer_in_place_with_a_second_bottom_stands_alone(load):
    net = load(f"""{INPUT}
        layer {{ name: "t" type: "TanH" bottom: "x" top: "t" }}
        layer {{ name: "factor" type: "Sigmoid" bottom: "x" top: "factor" }}
        layer {{ name: "scale" type: "Scale" bottom: "t" bottom: "factor" top: "t"
                scale_param {{ axis: 0 }} }}
    """)
    assert ["scale"] in stacks(net)
    assert {"t -> scale", "factor -> scale"} <= statements(net).keys()


# ------------------------------------------------------------------------------------- edges


def test_edges_leave_from_the_stack(small):
    lines = statements(small)
    assert '"conv/3x3" -> fc' in lines
    assert '"conv/3x3" -> odd' in lines
    assert "data -> loss" in lines


def test_edges_carry_channels_and_size_of_images_and_whole_shapes_of_the_rest(small):
    lines = statements(small)
    assert '" 6ch x 4x4 "' in lines['"conv/3x3" -> fc']
    assert '" 4 x 10 "' in lines["fc -> loss"]


def test_edges_name_the_blob_where_a_layer_makes_several(small):
    lines = statements(small)
    assert '" data: 3ch x 8x8 "' in lines['data -> "conv/3x3"']
    assert '" label: 4 "' in lines["data -> loss"]


def test_a_blob_read_twice_by_one_layer_is_one_edge(load):
    net = load(f'{INPUT} layer {{ name: "sum" type: "Eltwise" bottom: "x" bottom: "x" top: "s" }}')
    assert to_dot(net).source.count("->") == 1


def test_many_tops_are_cut_short(load):
    tops = " ".join(f'top: "t{i}"' for i in range(20))
    net = load(
        f"""layer {{ name: "x" type: "Input" {tops} input_param {{ shape {{ dim: 1 }} }} }}"""
    )
    assert "t4: 1\\nand 15 more tops" in statements(net)["x"]


# -------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            'type: "Pooling" pooling_param { kernel_size: 3 stride: 2 pool: MAX }',
            "Pooling MAX 3x3 /2",
        ),
        (
            'type: "Convolution" convolution_param '
            "{ num_output: 4 kernel_size: 3 dilation: 2 group: 2 engine: CUDNN }",
            "Convolution 3x3 dilation 2 group 2",
        ),
        (
            'type: "Convolution" convolution_param '
            "{ num_output: 4 kernel_h: 3 kernel_w: 5 pad_h: 1 pad_w: 2 }",
            "Convolution 3x5 pad 1x2",
        ),
        ('type: "ReLU"', "ReLU"),
        ('type: "WarpedPerspective"', "WarpedPerspective"),
    ],
)
def test_boxes_say_what_a_layer_does(load, layer, text):
    net = load(f"""
        layer {{ name: "x" type: "Input" top: "x"
                input_param {{ shape {{ dim: 1 dim: 4 dim: 9 dim: 9 }} }} }}
        layer {{ name: "y" bottom: "x" top: "y" {layer} }}
    """)
    assert describe(net.layers[1]) == text


def test_windows_of_any_number_of_axes():
    window = Window((3, 3, 3), (1, 2, 2), (0, 0, 0), (1, 1, 1))
    assert list(show_window(window)) == ["3x3x3", "/1x2x2"]


def test_options_are_shown_where_shapes_are_unknown(load):
    net = load("""
        layer { name: "x" type: "Input" top: "x" }
        layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "x" top: "s"
                eltwise_param { operation: MAX } }
    """)
    assert describe(net.layers[1]) == "Eltwise MAX"
    assert "unknown shape" in statements(net)["x -> sum"]


# ------------------------------------------------------------------------------------ colours


@pytest.mark.parametrize(
    ("node", "fill", "text"),
    [
        ("data", "#37A058", "#FFFFFF"),
        ('"conv/3x3"', "#CA5237", "#FFFFFF"),
        ("fc", "#BD0026", "#FFFFFF"),
        ("loss", "#7F6A9B", "#FFFFFF"),
    ],
)
def test_boxes_have_the_colours_of_their_role(small, node, fill, text):
    line = statements(small)[node]
    assert f'fillcolor="{fill}"' in line
    assert f'fontcolor="{text}"' in line


def test_other_roles_have_the_default_colours(load):
    net = load(f'{INPUT} layer {{ name: "r" type: "TanH" bottom: "x" top: "r" }}')
    assert f'fillcolor="{NETSCOPE.default.fill}"' in statements(net)["r"]


def test_unknown_types_are_dashed_also_within_a_stack(small, load):
    assert 'style="filled,dashed"' in statements(small)["odd"]
    net = load(f'{INPUT} layer {{ name: "r" type: "WarpedPerspective" bottom: "x" top: "x" }}')
    assert stacks(net) == [["x", "r"]]
    assert 'style="filled,dashed"' in statements(net)["x"]


# ----------------------------------------------------------------------------------- escaping


@pytest.mark.parametrize("name", ["a:b", "<i>", "a\\", "node", "{|}", "ä 日", "&amp;", ""])
def test_every_name_makes_one_node_that_edges_find(load, name):
    quoted = name.replace("\\", "\\\\")
    net = load(f"""{INPUT}
        layer {{ name: "{quoted}" type: "TanH" bottom: "x" top: "y" }}
        layer {{ name: "end" type: "TanH" bottom: "y" top: "z" }}
    """)
    source = to_dot(net).source
    heads = re.findall(r"^\tx -> (.*) \[", source, re.MULTILINE)
    tails = re.findall(r"^\t(.*) -> end \[", source, re.MULTILINE)
    assert heads == tails
    assert f"\n\t{heads[0]} [label=" in source


def test_names_that_become_the_same_stay_apart(load):
    net = load(f"""{INPUT}
        layer {{ name: "a:b" type: "TanH" bottom: "x" top: "y" }}
        layer {{ name: "a;b" type: "TanH" bottom: "y" top: "z" }}
    """)
    assert {"a_b", '"a_b~2"'} <= statements(net).keys()


def test_a_net_without_a_name_has_a_title(load):
    assert to_dot(load(INPUT)).source.startswith("digraph network {")
