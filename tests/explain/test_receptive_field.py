"""Receptive fields against the support of gradients."""

import pytest
import torch

import netdef
from netdef.explain.receptive_field import Field, receptive_field, receptive_fields
from netdef.torch_backend.executable import Executable

DATA = """layer {{
  name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: [1, 2, {}, {}] }} }}
}}
"""
CONV = """layer {{
  name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}"
  convolution_param {{ num_output: 3 {2} weight_filler {{ type: "uniform" min: 0.1 max: 1 }} }}
}}
"""
LAYER = 'layer {{ name: "{0}" type: "{2}" bottom: "{1}" top: "{0}" {3} }}\n'
POOL = "pooling_param {{ pool: AVE {} }}"

NETS = {
    "convolutions": DATA.format(15, 17)
    + CONV.format("a", "data", "kernel_size: 3 pad: 1")
    + LAYER.format("a2", "a", "ReLU", "")
    + CONV.format("b", "a2", "kernel_h: 5 kernel_w: 3 stride: 2 pad_h: 2 pad_w: 0"),
    "dilated": DATA.format(16, 16)
    + CONV.format("a", "data", "kernel_size: 3 dilation: 2")
    + CONV.format("b", "a", "kernel_size: 2 stride: 3"),
    "rounded up": DATA.format(14, 11)
    + LAYER.format("a", "data", "Pooling", POOL.format("kernel_size: 3 stride: 2"))
    + LAYER.format("b", "a", "Pooling", POOL.format("kernel_size: 2 stride: 2 pad: 1")),
    "branches": DATA.format(12, 12)
    + CONV.format("one", "data", "kernel_size: 1")
    + CONV.format("five", "data", "kernel_size: 5 pad: 2")
    + 'layer { name: "b" type: "Concat" bottom: "one" bottom: "five" top: "b" }\n',
    "upwards": DATA.format(9, 9)
    + CONV.format("a", "data", "kernel_size: 3 stride: 2")
    + CONV.format("b", "a", "kernel_size: 4 stride: 2 pad: 1").replace(
        '"Convolution', '"Deconvolution'
    ),
    "normalised": DATA.format(8, 8)
    + CONV.format("a", "data", "kernel_size: 3")
    + LAYER.format("n", "a", "BatchNorm", "")
    + LAYER.format("s", "n", "Scale", "scale_param { filler { value: 2 } }")
    + LAYER.format("b", "s", "LRN", "lrn_param { local_size: 3 }"),
    "whole": DATA.format(8, 7)
    + CONV.format("a", "data", "kernel_size: 3")
    + LAYER.format("b", "a", "MVN", ""),
    "cropped": DATA.format(10, 10)
    + CONV.format("a", "data", "kernel_size: 5")
    + LAYER.format("b", "data", "Crop", 'bottom: "a" crop_param { offset: [1, 3] }'),
}


def program(text: str) -> Executable:
    """The net with positive weights, so that nothing cancels out."""
    return netdef.compile(netdef.loads(text), device="cpu")


def brute_force(exe: Executable, blob: str, place: tuple[int, int]) -> tuple | None:
    """First and last row and column that the gradient of a unit reaches."""
    shape = exe.net.blobs["data"].shape
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 0.1
    x.requires_grad_()
    value = exe.run({"data": x}, [blob])[blob][:, :, place[0], place[1]]
    factors = torch.arange(1.0, value.numel() + 1).reshape(value.shape)
    (gradient,) = torch.autograd.grad((value * factors).sum(), x)
    rows, columns = gradient.ne(0).any(0).any(0).nonzero(as_tuple=True)
    if not len(rows):
        return None
    return (int(rows.min()), int(rows.max())), (int(columns.min()), int(columns.max()))


@pytest.mark.parametrize("name", NETS)
def test_as_brute_force(name: str) -> None:
    """Every unit of the last blob."""
    exe = program(NETS[name])
    _, _, height, width = exe.net.blobs["b"].shape or ()
    for row in range(height):
        for column in range(width):
            expected = brute_force(exe, "b", (row, column))
            assert receptive_field(exe, "b", (row, column), "data") == expected, (row, column)


def test_table() -> None:
    """Size, stride and start, the border left out of account; `all` where it has no meaning."""
    text = NETS["convolutions"] + LAYER.format("all", "b", "MVN", "")
    assert receptive_fields(program(text), "data") == [
        Field("a", (3, 3), (1, 1), (-1, -1)),
        Field("a2", (3, 3), (1, 1), (-1, -1)),
        Field("b", (7, 5), (2, 2), (-3, -1)),
        Field("all", None, None, None),
    ]


def test_units_without_a_place() -> None:
    """A fully connected unit sees everything; it has no row and column."""
    text = DATA.format(5, 4) + LAYER.format(
        "fc", "data", "InnerProduct",
        'inner_product_param { num_output: 2 weight_filler { type: "uniform" min: 0.1 max: 1 } }',
    )  # fmt: skip
    exe = program(text)
    assert receptive_field(exe, "fc", (), "data") == ((0, 4), (0, 3))
    with pytest.raises(netdef.NetdefError, match="has no unit at"):
        receptive_field(exe, "fc", (0, 0), "data")
    with pytest.raises(netdef.NetdefError, match="no blob `f`"):
        receptive_field(exe, "f", (), "data")
