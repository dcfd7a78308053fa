"""Reorg against darknet's arithmetic, index by index."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("Reorg"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


def darknet(x, stride, reverse):
    """As the loops of darknet have it: places in memory, not in blobs."""
    items, channels, height, width = x.shape
    few = channels // (stride * stride)
    source, top = x.ravel(), np.empty(x.size, x.dtype)
    for n, c, h, w in np.ndindex(x.shape):
        small = w + width * (h + height * (c + channels * n))
        offset, other = divmod(c, few)
        row, column = h * stride + offset // stride, w * stride + offset % stride
        large = column + width * stride * (row + height * stride * (other + few * n))
        if reverse:
            top[large] = source[small]
        else:
            top[small] = source[large]
    if reverse:
        return top.reshape(items, few, height * stride, width * stride)
    return top.reshape(items, channels * stride**2, height // stride, width // stride)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("shape", "stride"),
    [
        ((2, 4, 4, 6), 2),
        ((1, 8, 2, 4), 2),
        ((2, 9, 6, 3), 3),
        ((1, 16, 4, 4), 4),
        ((2, 3, 2, 2), 1),
    ],
)
def test_the_order_is_darknets(shape, stride, reverse):
    text = f"reorg_param {{ stride: {stride} reverse: {str(reverse).lower()} }}"
    exe = compiled(text, shape)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    np.testing.assert_array_equal(exe({"in0": x})["out0"].numpy(), darknet(x, stride, reverse))


def test_pixels_of_a_block_do_not_stay_together():
    exe = compiled("reorg_param { stride: 2 }", (1, 4, 2, 2))
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 2, 2)
    y = exe({"in0": x})["out0"].numpy().ravel().tolist()
    assert y == [0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15]


@pytest.mark.parametrize("reverse", ["false", "true"])
def test_gradients(reverse):
    exe = compiled(f"reorg_param {{ stride: 2 reverse: {reverse} }}", (1, 4, 2, 2)).double()
    x = torch.randn(1, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: exe({"in0": v})["out0"], x)


def test_sizes_are_those_of_the_input():
    exe = compiled("reorg_param { stride: 2 }", (1, 4, 2, 2))
    assert exe({"in0": np.ones((3, 4, 8, 6), np.float32)})["out0"].shape == (3, 16, 4, 3)


@pytest.mark.parametrize(
    ("fields", "shape", "parts"),
    [
        ("", (2, 4, 4, 4), ["Reorg needs `stride`"]),
        ("stride: 0", (2, 4, 4, 4), ["`stride` must be at least 1, not 0"]),
        ("stride: 2", (2, 6, 4, 4), ["the 6 channels must be a multiple of `stride` squared, 4"]),
        ("stride: 2", (2, 4, 5, 3), ["the 5 rows", "the 3 columns"]),
        ("stride: 2 reverse: true", (2, 2, 3, 3), ["the 2 channels"]),
        ("stride: 2", (2, 4, 4), ["not 3 axes"]),
    ],
)
def test_what_does_not_fit_is_refused(fields, shape, parts):
    found = faults(f"reorg_param {{ {fields} }}", shape)
    assert len(found) == len(parts)
    for (_, message), part in zip(found, parts, strict=True):
        assert part in message
