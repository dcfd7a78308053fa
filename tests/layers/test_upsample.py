"""Upsample: what the recordings do not cover, and its form with one bottom."""

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
        f'{inputs}layer {{ name: "u" type: "Upsample" {bottoms} top: "y"'
        f" upsample_param {{ {fields} }} }}"
    )


def program(fields: str, *shapes: tuple[int, ...]):
    return netdef.compile(netdef.loads(net(fields, *shapes)), device="cpu")


@pytest.mark.parametrize(
    ("fields", "factors"),
    [("", (1, 1)), ("scale: 3", (3, 3)), ("scale_h: 2 scale_w: 1", (2, 1))],
)
@pytest.mark.parametrize("shape", [(2, 3, 2, 3), (2, 3, 4)])
def test_with_one_bottom_values_are_repeated(fields, factors, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = x.repeat(factors[0], axis=-2).repeat(factors[1], axis=-1)
    np.testing.assert_array_equal(program(fields, shape)({"x0": x})["y"].numpy(), expected)


def test_the_default_factor_depends_on_the_form():
    shape = (1, 1, 2, 2)
    assert netdef.loads(net("", shape)).blobs["y"].shape == (1, 1, 2, 2)
    assert netdef.loads(net("", shape, shape)).blobs["y"].shape == (1, 1, 4, 4)


def test_a_pooling_is_undone():
    text = """
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 2, 5, 7] } } }
        layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "m"
                pooling_param { kernel_size: 2 stride: 2 } }
        layer { name: "u" type: "Upsample" bottom: "p" bottom: "m" top: "y"
                upsample_param { pad_out_h: true pad_out_w: true } }"""
    exe = netdef.compile(netdef.loads(text), device="cpu")
    for size in ((5, 7), (9, 3)):  # sizes follow the input
        x = torch.rand(3, 2, *size) + 1
        y = exe({"x": x})["y"]
        assert y.shape == x.shape
        assert torch.equal(y[y != 0], x[y != 0])
        assert int((y != 0).sum()) == 3 * 2 * -(-size[0] // 2) * -(-size[1] // 2)


def test_of_values_with_one_place_the_last_wins_and_all_get_its_gradient():
    exe = program("upsample_h: 2 upsample_w: 3", (1, 1, 2, 2), (1, 1, 2, 2))
    x = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 2, 2).requires_grad_()
    mask = torch.tensor([5.0, 0.0, 5.0, 0.0]).reshape(1, 1, 2, 2)
    y = exe({"x0": x, "x1": mask})["y"]
    assert y.flatten().tolist() == [4.0, 0, 0, 0, 0, 3.0]
    y.backward(torch.arange(6.0).reshape(1, 1, 2, 3))
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [5.0, 0.0, 5.0, 0.0]


@pytest.mark.parametrize("index", [-1, 16])
def test_an_index_outside_of_the_plane_is_an_error(index):
    exe = program("", (1, 1, 2, 2), (1, 1, 2, 2))
    mask = torch.tensor([0.0, 1.0, 2.0, index]).reshape(1, 1, 2, 2)
    with pytest.raises(netdef.NetdefError) as caught:
        exe({"x0": torch.ones(1, 1, 2, 2), "x1": mask})
    assert caught.value.diagnostics[0].rule == "bad-index"


def test_gradients():
    x = torch.randn(1, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    repeat = program("scale_h: 2 scale_w: 3", (1, 2, 2, 3)).double()
    assert torch.autograd.gradcheck(lambda x: repeat({"x0": x})["y"], x)
    unpool = program("", (1, 2, 2, 3), (1, 2, 2, 3)).double()
    index = [torch.randperm(24)[:6] for _ in range(2)]
    mask = torch.stack(index).reshape(1, 2, 2, 3).double()
    assert torch.autograd.gradcheck(lambda x: unpool({"x0": x, "x1": mask})["y"], x)


PLANE = (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("fields", "shapes", "part"),
    [
        ("scale: 1", [PLANE, PLANE], "`scale` must be at least 2 here, not 1"),
        ("scale: 0", [PLANE], "`scale` must be at least 1 here, not 0"),
        ("scale: 2 scale_h: 2 scale_w: 2", [PLANE], "give `scale`, or `scale_h` and `scale_w`"),
        ("scale_h: 2", [PLANE, PLANE], "`scale_h` is given, but `scale_w` is missing"),
        ("upsample_w: 7", [PLANE, PLANE], "`upsample_w` is given, but `upsample_h` is missing"),
        ("upsample_h: 1 upsample_w: 7", [PLANE, PLANE], "`upsample_h` must be at least 2, not 1"),
        ("scale: 3 pad_out_h: true", [PLANE, PLANE], "`pad_out_h` is for a factor of 2, not of 3"),
        (
            "upsample_h: 6 upsample_w: 8",
            [PLANE],
            "`upsample_h` is for the form with a pooling mask",
        ),
        ("pad_out_w: true", [PLANE], "`pad_out_w` is for the form with a pooling mask"),
        ("", [PLANE, (1, 2, 3, 3)], "the mask has the shape (1, 2, 3, 3)"),
        ("", [(2, 3, 4), (2, 3, 4)], "with a mask, Upsample takes (N, C, H, W), not 3 axes"),
        ("", [(2, 3)], "not 2 axes"),
    ],
)
def test_faults(fields, shapes, part):
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(fields, *shapes))
    assert part in caught.value.diagnostics[0].message


def test_what_the_size_wins_over_is_warned_of():
    found = netdef.loads(net("upsample_h: 5 upsample_w: 8 scale: 3", PLANE, PLANE)).diagnostics
    assert [d.rule for d in found] == ["ignored-field"]
    assert "`scale` has no effect in this Upsample" in found[0].message
