"""Summaries as text and as data."""

import json

from netdef.analysis import columns, headline, notes, render_text, summarize, to_dict

SMALL = """\
small, phase TEST: 6 layers, batch of 4, figures per image

Layer  Type          Output         Parameters  Frozen  Buffers    MACs  Other ops  Activations
-----  ------------  -------------  ----------  ------  -------  ------  ---------  -----------
data   Input         4 x 3 x 8 x 8           0       0        0       0          0        768 B
conv   Convolution   4 x 6 x 8 x 8         168       0        0  10,368        384      1.5 KiB
"""

SMALL_NOTES = [
    "Parameters: 4,024 learnable, 3,840 of them frozen; 13 in buffers; 15.8 KiB",
    "MACs: 14,208 per image, 56,832 per batch of 4",
]

UNKNOWN = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 5 } } }
    layer { name: "odd" type: "WarpedPerspective" bottom: "data" top: "odd" }
"""


def test_text(small):
    text = render_text(summarize(small))
    assert text.startswith(SMALL)
    assert all(note in text.splitlines() for note in SMALL_NOTES)
    assert text.endswith("\n")


def test_text_fits_a_terminal(small):
    assert max(map(len, render_text(summarize(small)).splitlines())) <= 100


def test_a_long_name_has_a_line_of_its_own_and_stays_whole(load):
    name = "inception_5b/" + "very_long_" * 10 + "name"
    net = load(
        f'layer {{ name: "{name}" type: "Input" top: "x" input_param {{ shape {{ dim: 1 }} }} }}'
    )
    lines = render_text(summarize(net)).splitlines()
    at = lines.index(name)
    assert lines[at + 1].split()[0] == "Input"
    assert max(len(line) for line in lines if line != name) <= 120


def test_figures_per_batch(small):
    summary = summarize(small)
    assert headline(summary, per_image=False).endswith("batch of 4, figures per batch")
    by_key = {column.key: column for column in columns(summary, per_image=False)}
    assert by_key["macs"].total == "56,832"
    assert by_key["activation_bytes"].cells[1] == "6.0 KiB"


def test_rare_columns_are_left_out_where_nothing_is_in_them(load):
    net = load('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }')
    keys = [column.key for column in columns(summarize(net))]
    assert keys == ["name", "type", "shapes", "learnable", "macs", "other", "activation_bytes"]


def test_unknown_figures_say_so(load):
    summary = summarize(load(UNKNOWN))
    table = columns(summary)
    assert [column.cells[1] for column in table[2:]] == ["unknown"] * 5
    assert table[0].total == "Known total"
    assert notes(summary)[-1] == "Not counted: 1 layer of unknown type or shape (odd)"


def test_a_batch_of_one_is_said_once(load):
    assert notes(summarize(load(UNKNOWN)))[1] == "MACs: 0"


def test_many_tops_are_shortened(load):
    net = load("""
        layer { name: "data" type: "Input" top: "a" top: "b" top: "c" input_param {
            shape { dim: 1 dim: 2 } shape { dim: 3 } shape { dim: 4 } } }
        layer { name: "slice" type: "Slice" bottom: "a" top: "d" top: "e" }
    """)
    assert columns(summarize(net))[2].cells == ("1 x 2, 3 and 1 more", "2 tops of 1 x 1")


def test_a_name_cannot_break_the_table(load):
    net = load(r'layer { name: "a\nb" type: "Input" top: "x" input_param { shape { dim: 1 } } }')
    assert columns(summarize(net))[0].cells == ("a␊b",)


def test_data_is_exact_and_json(small):
    data = to_dict(summarize(small))
    assert json.loads(json.dumps(data)) == data
    assert data["batch"] == 4
    conv = data["layers"][1]
    assert conv["tops"] == [{"name": "conv", "shape": [4, 6, 8, 8]}]
    assert conv["macs"] == 41_472
    assert conv["per_image"] == {"macs": 10_368, "other": 384, "activation_bytes": 1_536}
    assert data["total"]["frozen"] == 3_840
    assert data["uncounted"] == []
