"""Tile against numpy."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Tile"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


@pytest.mark.parametrize(
    ("shape", "axis", "tiles"),
    [((2, 3, 4), 0, 3), ((2, 3, 4), 1, 2), ((2, 3), -1, 4), ((2, 3, 4, 2), -2, 2), ((5,), 0, 1)],
)
def test_whole_copies_follow_one_another(shape, axis, tiles):
    exe = compiled(f"tile_param {{ axis: {axis} tiles: {tiles} }}", shape).double()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    y = exe({"in0": x})["out0"]
    expected = np.concatenate([x.detach().numpy()] * tiles, axis)
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    assert torch.autograd.gradcheck(lambda v: exe({"in0": v})["out0"], x)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", [("missing-field", "Tile needs `tiles`")]),
        ("tiles: 0", [("bad-value", "`tiles` must be at least 1, not 0")]),
        (
            "tiles: -2 axis: 5",
            [
                ("bad-value", "`tiles` must be at least 1, not -2"),
                ("bad-value", "`axis` is 5, but the input has 2 axes"),
            ],
        ),
    ],
)
def test_what_is_refused(fields, expected):
    assert faults(f"tile_param {{ {fields} }}", (2, 3)) == expected
