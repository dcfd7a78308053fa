"""Measuring layer by layer: which layers, which directions, what stays as it was."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

import netdef
from netdef.timing.chart import write_chart
from netdef.timing.inputs import make_inputs
from netdef.timing.measure import measure
from netdef.timing.stopwatch import Stopwatch
from netdef.timing.timing import LayerTime, Timing

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "below" type: "InnerProduct" bottom: "data" top: "x" param { lr_mult: 0 }
        param { lr_mult: 0 } inner_product_param { num_output: 4 } }
layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
        inner_product_param { num_output: 3 } }
layer { name: "aside" type: "InnerProduct" bottom: "x" top: "aside"
        inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "none" type: "Silence" bottom: "aside" }
"""


def timed(text: str, trained: bool = True) -> Timing:
    """Measure two passes of a net."""
    net = netdef.loads(text, phase="TRAIN")
    return measure(netdef.compile(net, device="cpu"), make_inputs(net), 2, trained)


def backward(timing: Timing) -> list[str]:
    """The layers that run backward."""
    return [name for x in timing.layers if x.backward is not None for name in x.names]


def test_only_what_learns_runs_backward() -> None:
    """Not below the lowest layer trained, and not beside the loss."""
    timing = timed(NET)
    assert [x.names for x in timing.layers] == [("below",), ("relu",), ("ip",), ("loss",)]
    assert backward(timing) == ["ip", "loss"]


def test_a_net_without_a_loss_learns_from_its_outputs() -> None:
    """The gradient comes in at every output."""
    assert backward(timed(NET[: NET.index('layer { name: "loss"')])) == ["ip", "aside"]


def test_layers_of_one_step_share_a_row() -> None:
    """A Scale that the BatchNorm before it applies, if it does so."""
    pair = """
    layer { name: "bn" type: "BatchNorm" bottom: "ip" top: "ip" }
    layer { name: "scale" type: "Scale" bottom: "ip" top: "ip" }
    """
    timing = timed(NET.replace('layer { name: "aside"', pair + 'layer { name: "aside"'))
    names = [name for x in timing.layers for name in x.names]
    assert names == ["below", "relu", "ip", "bn", "scale", "loss"]


def test_gradients_are_those_of_a_whole_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a layer is measured with is what training works out, but for what comes from above."""
    net = netdef.loads(NET, phase="TRAIN")
    exe = netdef.compile(net, device="cpu")
    asked: list[int] = []
    grad = torch.autograd.grad

    def spy(tops: list[Tensor], learned: list[Tensor], *rest: object, **more: object) -> object:
        asked.append(len(learned))
        return grad(tops, learned, *rest, **more)

    monkeypatch.setattr(torch.autograd, "grad", spy)
    measure(exe, make_inputs(net), 1)
    # The loss: its scores. `ip`: weight and bias; what it reads is not learned. Thrice to warm up.
    assert asked == [1, 2] * 4


def test_several_spans_of_one_name_add_up() -> None:
    """And a reading begins anew."""
    watch = Stopwatch(torch.device("cpu"))
    for _ in range(2):
        with watch.measure("forward", "a"):
            pass
    with watch.measure("forward", "b"):
        pass
    assert list(watch.read()) == [("forward", "a"), ("forward", "b")]
    assert watch.read() == {}


def made_up(times: Mapping[str, float]) -> Timing:
    """A timing of layers that take so long forward, and as long backward."""
    layers = tuple(LayerTime((name,), ("T",), ms, ms, 0) for name, ms in times.items())
    return Timing("n", "TEST", 1, "cpu", "CPU", "fp32", 1, False, layers, 1.0, 1.0)


def test_shares() -> None:
    """Of the time of all layers, both directions."""
    timing = made_up({"a": 1.0, "b": 3.0})
    assert [timing.share(layer) for layer in timing.layers] == [0.25, 0.75]
    assert (timing.forward, timing.backward) == (4.0, 4.0)
    assert LayerTime(("c",), ("T",), 2.0, None, 4_000_000).gflops == pytest.approx(4)


def test_a_chart_of_very_many_layers(tmp_path) -> None:
    """The quick ones are one bar."""
    path = tmp_path / "x.svg"
    write_chart(made_up({f"layer{i}": float(i + 1) for i in range(70)}), path)
    text = path.read_text()
    assert ">the others (10)<" in text
    assert ">layer69<" in text and ">layer9<" not in text
