"""Threshold at its threshold, and in a net that learns."""

import numpy as np
import torch

import netdef
from netdef.contract import Example


def executable(fields: str = "", shape: tuple[int, ...] = (2, 3, 4)):
    text = Example(fields, [shape], [shape]).prototxt("Threshold")
    return netdef.compile(netdef.loads(text), device="cpu")


def test_the_threshold_itself_is_not_above_it():
    x = np.asarray([-np.inf, 0.25, 0.5, 0.75, np.inf, np.nan], np.float32)
    y = executable("threshold_param { threshold: 0.5 }", (6,))({"in0": x})["out0"]
    assert y.tolist() == [0, 0, 0, 1, 1, 0]


def test_nothing_flows_back():
    x = torch.randn(2, 3, 4, requires_grad=True)
    assert not executable()({"in0": x})["out0"].requires_grad


def test_the_type_of_the_input_stays():
    assert (
        executable().double()({"in0": torch.ones(2, 3, 4).double()})["out0"].dtype == torch.double
    )
