"""Filter against its definition, and what it refuses."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError


def net_text(shapes: list[tuple[int, ...]], tops: int | None = None, more: str = "") -> str:
    lines = [
        f'layer {{ name: "x{i}" type: "Input" top: "x{i}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }"
        for i, shape in enumerate(shapes)
    ]
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    made = " ".join(f'top: "y{i}"' for i in range(len(shapes) - 1 if tops is None else tops))
    lines.append(f'layer {{ name: "f" type: "Filter" {bottoms} {made} }}')
    return "\n".join(lines) + "\n" + more


def executable(shapes, more=""):
    return netdef.compile(netdef.loads(net_text(shapes, more=more)), device="cpu")


@pytest.mark.parametrize("selector", [(6,), (6, 1), (6, 1, 1, 1)])
@pytest.mark.parametrize("chosen", [[1, 0, 0, 1, 1, 0], [0] * 6, [1] * 6, [0, -2, 0.5, 0, 0, 0]])
def test_rows_are_kept_in_their_order(selector, chosen):
    exe = executable([(6, 3, 2), (6,), selector])
    rng = np.random.default_rng(0)
    blobs = [rng.standard_normal(s).astype(np.float32) for s in ((6, 3, 2), (6,))]
    marks = np.array(chosen, np.float32).reshape(selector)
    kept = exe({"x0": blobs[0], "x1": blobs[1], "x2": marks})
    rows = [i for i, mark in enumerate(chosen) if mark != 0]
    for i, blob in enumerate(blobs):
        np.testing.assert_array_equal(kept[f"y{i}"].numpy(), blob[rows])


def test_the_shapes_are_upper_bounds():
    net = netdef.loads(net_text([(5, 3), (5,)]))
    assert net.blobs["y0"].shape == (5, 3)
    assert net.blobs["y0"].dynamic
    assert not net.blobs["x0"].dynamic


def test_layers_behind_it_take_what_comes():
    ip = (
        'layer { name: "ip" type: "InnerProduct" bottom: "y0" top: "ip" inner_product_param '
        '{ num_output: 2 weight_filler { value: 1 } } }\nlayer { name: "bn" type: "BatchNorm" '
        'bottom: "ip" top: "bn" }\nlayer { name: "s" type: "Scale" bottom: "bn" top: "s" }'
    )
    exe = executable([(4, 3), (4,)], ip)
    assert exe.net.blobs["s"].dynamic
    for count in (0, 1, 3):
        marks = np.array([1.0] * count + [0.0] * (4 - count), np.float32)
        blobs = exe.run({"x0": np.ones((4, 3), np.float32), "x1": marks}, ["ip", "s"])
        assert blobs["s"].shape == (count, 2)
        assert blobs["ip"].tolist() == [[3.0, 3.0]] * count


def test_gradients_reach_the_rows_kept_and_no_others():
    exe = executable([(4, 2), (4,)]).double()
    marks = torch.tensor([0.0, 1.0, 0.0, 3.0], dtype=torch.float64, requires_grad=True)
    x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: exe({"x0": x, "x1": marks})["y0"], x)
    exe({"x0": x, "x1": marks})["y0"].sum().backward()
    assert x.grad.sum(1).tolist() == [0.0, 2.0, 0.0, 2.0]
    assert marks.grad is None


@pytest.mark.parametrize(
    ("shapes", "tops", "parts"),
    [
        ([(4, 2), (4, 2)], None, ["axes after the first must be 1"]),
        ([(4, 2), (5,)], None, ["the selector is for 5 items, but `x0` has the shape (4, 2)"]),
        ([(4, 2), ()], None, ["no axes"]),
        ([(4, 2), (4,), (4,)], 1, ["a top for every bottom but the last: 2, not 1"]),
        ([(4, 2), (3, 2), (5,)], None, ["but `x0` has", "but `x1` has"]),
    ],
)
def test_what_does_not_fit_is_refused(shapes, tops, parts):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(shapes, tops))
    messages = [d.message for d in caught.value.diagnostics]
    assert len(messages) == len(parts)
    for part, message in zip(parts, messages, strict=True):
        assert part in message
