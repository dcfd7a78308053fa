"""ShuffleChannel against its definition."""

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError


def compiled(text, *shapes):
    net = netdef.loads(Example(text, ins=shapes, outs=[()]).prototxt("ShuffleChannel"))
    return netdef.compile(net, device="cpu")


def faults(text, *shapes):
    with pytest.raises(NetdefError) as caught:
        compiled(text, *shapes)
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


@pytest.mark.parametrize("shape", [(2, 12), (1, 12, 3), (2, 12, 2, 3)])
@pytest.mark.parametrize("group", [1, 2, 3, 4, 12])
def test_groups_are_interleaved(shape, group):
    exe = compiled(f"shuffle_channel_param {{ group: {group} }}", shape)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    y = exe({"in0": x})["out0"].numpy()
    each = 12 // group
    for i in range(group):
        for j in range(each):
            np.testing.assert_array_equal(y[:, j * group + i], x[:, i * each + j])
    back = compiled(f"shuffle_channel_param {{ group: {each} }}", shape)
    np.testing.assert_array_equal(back({"in0": y})["out0"].numpy(), x)


def test_gradients():
    exe = compiled("shuffle_channel_param { group: 2 }", (1, 4, 2)).double()
    x = torch.randn(1, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: exe({"in0": v})["out0"], x)


@pytest.mark.parametrize(
    ("fields", "shape", "part"),
    [
        ("group: 4", (2, 6), "`group` 4 does not divide the 6 channels"),
        ("group: 0", (2, 6), "`group` must be at least 1, not 0"),
        ("", (6,), "needs channels"),
    ],
)
def test_what_is_refused(fields, shape, part):
    ((_, message),) = faults(f"shuffle_channel_param {{ {fields} }}", shape)
    assert part in message
