"""Figures of a summary against numbers worked out by hand."""

import pytest

from netdef.analysis import Figures, summarize

TWINS = """
    layer { name: "data" type: "Input" top: "a" top: "b" input_param { shape { dim: 2 dim: 5 } } }
    layer { name: "left" type: "InnerProduct" bottom: "a" top: "left"
            param { name: "w" lr_mult: 0 } param { name: "b" }
            inner_product_param { num_output: 3 } }
    layer { name: "right" type: "InnerProduct" bottom: "b" top: "right"
            param { name: "w" } param { name: "b" }
            inner_product_param { num_output: 3 } }
"""

MYSTERY = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 5 } } }
    layer { name: "odd" type: "WarpedPerspective" bottom: "data" top: "odd" }
    layer { name: "after" type: "InnerProduct" bottom: "odd" top: "after"
            inner_product_param { num_output: 3 } }
    layer { name: "beside" type: "InnerProduct" bottom: "data" top: "beside"
            inner_product_param { num_output: 3 } }
"""


def rows(net):
    return {row.name: row for row in summarize(net).rows}


def test_a_convolution(small):
    values = 4 * 6 * 8 * 8
    assert rows(small)["conv"].figures == Figures(
        learnable=6 * 3 * 3 * 3 + 6,
        frozen=0,
        shared=0,
        buffers=0,
        parameter_bytes=168 * 4,
        macs=3 * 3 * 3 * values,
        other=values,  # the bias
        activation_bytes=values * 4,
    )


def test_statistics_are_buffers_and_tops_in_place_take_no_memory(small):
    row = rows(small)["bn"]
    assert row.shapes == ((4, 6, 8, 8),)
    assert (row.figures.learnable, row.figures.buffers) == (0, 6 + 6 + 1)
    assert row.figures.parameter_bytes == 13 * 4
    assert row.figures.activation_bytes == 0


def test_lr_mult_0_freezes(small):
    figures = rows(small)["fc"].figures
    assert (figures.learnable, figures.frozen) == (384 * 10 + 10, 384 * 10)
    assert figures.macs == 4 * 384 * 10


def test_totals_are_sums_and_agree_with_the_net(small):
    summary = summarize(small)
    assert summary.batch == 4
    assert summary.uncounted == ()
    assert summary.total.learnable == 168 + 6 + 3850 == small.param_count()
    assert summary.total.buffers == 13 == small.buffer_count()
    assert summary.total.frozen == 3840
    assert summary.total.macs == 27 * 1536 + 4 * 3840
    assert summary.total.activation_bytes == 4 * (4 * 3 * 8 * 8 + 1536 + 40)


def test_per_image_is_whole_where_it_divides(small):
    summary = summarize(small)
    assert summary.per_image(summary.total.macs) == 27 * 384 + 3840
    assert isinstance(summary.per_image(8), int)
    assert summary.per_image(6) == 1.5
    assert summary.per_image(None) is None


def test_shared_parameters_count_once_and_keep_their_owners_rate(load):
    net = load(TWINS)
    left, right = rows(net)["left"].figures, rows(net)["right"].figures
    assert (left.learnable, left.frozen, left.shared) == (18, 15, 0)
    assert (right.learnable, right.frozen, right.shared) == (0, 0, 18)
    assert right.parameter_bytes == 0
    assert right.macs == left.macs == 2 * 15
    assert summarize(net).total.learnable == 18


def test_unknown_layers_are_left_out_of_the_totals_and_named(load):
    summary = summarize(load(MYSTERY))
    by_name = {row.name: row for row in summary.rows}
    for name in ("odd", "after"):
        assert by_name[name].shapes == (None,)
        assert by_name[name].figures == Figures(*[None] * 8)
    assert summary.uncounted == ("odd", "after")
    assert summary.total.learnable == by_name["beside"].figures.learnable == 18
    assert summary.total.activation_bytes == 4 * (2 * 5 + 2 * 3)


def test_without_a_known_input_there_is_no_batch(load):
    net = load('layer { name: "data" type: "Input" top: "data" }')
    summary = summarize(net)
    assert summary.batch is None
    assert summary.per_image(8) is None
    assert summary.uncounted == ("data",)


def test_a_net_of_sources_costs_nothing(load):
    net = load('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 0 dim: 4 } } }')
    summary = summarize(net)
    assert summary.batch == 0
    assert summary.per_image(summary.total.macs) is None


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_the_phase_is_the_nets(load, phase):
    assert summarize(load(TWINS, phase)).phase == phase
