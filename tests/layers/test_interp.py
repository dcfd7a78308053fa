"""Interp against its definition: which size it takes, and what is at each place."""

import numpy as np
import pytest
import torch

import netdef


def net(fields: str, *shapes: tuple[int, ...]) -> str:
    inputs = "".join(
        f'layer {{ name: "x{i}" type: "Input" top: "x{i}" input_param {{ shape {{ '
        f"dim: {list(shape)} }} }} }}\n"
        for i, shape in enumerate(shapes)
    )
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    return (
        f'{inputs}layer {{ name: "i" type: "Interp" {bottoms} top: "y"'
        f" interp_param {{ {fields} }} }}"
    )


def interpolated(x, size, beg=0, end=0):
    """Place by place, in double precision."""
    height, width = size
    x = x[:, :, -beg : x.shape[2] + end, -beg : x.shape[3] + end].astype(float)

    def around(i, size, target):
        at = i * (size - 1) / (target - 1) if target > 1 else 0.0
        low = min(int(at), size - 1)
        return low, min(low + 1, size - 1), at - low

    y = np.zeros((*x.shape[:2], height, width))
    for i, j in np.ndindex(height, width):
        top, bottom, v = around(i, x.shape[2], height)
        left, right, h = around(j, x.shape[3], width)
        upper = (1 - h) * x[:, :, top, left] + h * x[:, :, top, right]
        lower = (1 - h) * x[:, :, bottom, left] + h * x[:, :, bottom, right]
        y[:, :, i, j] = (1 - v) * upper + v * lower
    return y


SIZES = [
    ("height: 9 width: 5", (9, 5)),
    ("height: 1 width: 11", (1, 11)),
    ("zoom_factor: 3", (16, 19)),
    ("shrink_factor: 2", (3, 4)),
    ("shrink_factor: 4", (2, 2)),
    ("shrink_factor: 2 zoom_factor: 4", (9, 13)),
    ("shrink_factor: 2 zoom_factor: 4 height: 8 width: 8", (8, 8)),
    ("zoom_factor: 2 height: 8 width: 8", (11, 13)),
    ("shrink_factor: 2 height: 8 width: 8", (3, 4)),
    ("zoom_factor: 1 height: 8 width: 8", (6, 7)),
    ("zoom_factor: 2 pad_beg: -1 pad_end: -2", (5, 7)),
    ("height: 6 width: 7 pad_beg: -2", (6, 7)),
]


@pytest.mark.parametrize(("fields", "size"), SIZES)
def test_sizes_and_values(fields, size):
    exe = netdef.compile(netdef.loads(net(fields, (2, 3, 6, 7))), device="cpu")
    assert exe.net.blobs["y"].shape == (2, 3, *size)
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 7)).astype(np.float32)
    pads = {
        part.split(":")[0]: int(part.split(":")[1]) for part in fields.replace(": ", ":").split()
    }
    expected = interpolated(x, size, pads.get("pad_beg", 0), pads.get("pad_end", 0))
    np.testing.assert_allclose(exe({"x0": x})["y"].numpy(), expected, rtol=1e-5, atol=1e-5)


def test_the_size_of_the_second_bottom_follows_what_is_fed():
    exe = netdef.compile(netdef.loads(net("", (1, 2, 4, 5), (1, 1, 8, 3))), device="cpu")
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 5)).astype(np.float32)
    for size in ((8, 3), (3, 9)):
        y = exe({"x0": x, "x1": np.zeros((1, 1, *size), np.float32)})["y"].numpy()
        np.testing.assert_allclose(y, interpolated(x, size), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("fields", ["zoom_factor: 2", "height: 3 width: 7 pad_end: -1"])
def test_gradients(fields):
    exe = netdef.compile(netdef.loads(net(fields, (1, 2, 4, 5))), device="cpu").double()
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: exe({"x0": x})["y"], x)


@pytest.mark.parametrize(
    ("fields", "ignored"),
    [
        ("zoom_factor: 2 height: 8 width: 8", ["height", "width"]),
        ("shrink_factor: 2 zoom_factor: 4 height: 8 width: 8", ["shrink_factor", "zoom_factor"]),
        ("zoom_factor: 2 height: 8", ["height"]),
    ],
)
def test_fields_that_lose_are_warned_of(fields, ignored):
    found = netdef.loads(net(fields, (2, 3, 6, 7))).diagnostics
    assert {d.rule for d in found} == {"ignored-field"}
    assert sorted(d.message.split("`")[1] for d in found) == sorted(ignored)


def test_the_second_bottom_wins_only_when_it_is_told_to():
    shapes = (2, 3, 6, 7), (2, 3, 4, 4)
    with pytest.raises(netdef.NetdefError, match="the size comes from the second bottom"):
        netdef.loads(net("height: 8 width: 8", *shapes))
    loaded = netdef.loads(net("height: 8 width: 8 use_blob_size: true", *shapes))
    assert loaded.blobs["y"].shape == (2, 3, 4, 4)
    assert [d.rule for d in loaded.diagnostics] == ["ignored-field"] * 2


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ("", "Interp needs `height` and `width`, `zoom_factor` or `shrink_factor`"),
        ("height: 4", "`height` is given, but `width` is missing"),
        ("height: 0 width: 4", "`height` must be at least 1, not 0"),
        ("zoom_factor: 0", "`zoom_factor` must be at least 1, not 0"),
        ("zoom_factor: 2 pad_beg: 1", "`pad_beg` must be 0, or negative to cut off, not 1"),
        ("zoom_factor: 2 pad_beg: -3 pad_end: -3", "the padding cuts 6 x 7 down to 0 x 1"),
        ("use_blob_size: true", "`use_blob_size` needs a second bottom"),
    ],
)
def test_faults(fields, part):
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(fields, (2, 3, 6, 7)))
    assert [part in d.message for d in caught.value.diagnostics] == [True]


def test_four_axes_are_wanted():
    with pytest.raises(netdef.NetdefError, match="not 3 axes"):
        netdef.loads(net("zoom_factor: 2", (3, 6, 7)))
