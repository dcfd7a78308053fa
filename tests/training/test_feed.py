"""Training on what the program gives, for nets of Input and MemoryData layers."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError

REST = """
layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "y" top: "loss" }
"""
INPUT = """layer { name: "i" type: "Input" top: "x" top: "y"
  input_param { shape { dim: 8 dim: 6 } shape { dim: 8 } } }"""
MEMORY = """layer { name: "m" type: "MemoryData" top: "x" top: "y"
  memory_data_param { batch_size: 8 channels: 1 height: 2 width: 3 }
  transform_param { scale: 0.5 mirror: true } }"""
SOLVER = """net: "net.prototxt" base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" max_iter: 20
random_seed: 3 snapshot_prefix: "out/run" """
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 50)
ROWS = (RNG.standard_normal((50, 6)) + 3 * np.eye(4, 6)[LABELS]).astype(np.float32)
IMAGES = ROWS.reshape(50, 1, 2, 3)


@pytest.fixture
def solver(tmp_path, monkeypatch):
    """Make a solver for a net that begins with a text."""
    monkeypatch.chdir(tmp_path)

    def make(text, more="", **options):
        (tmp_path / "net.prototxt").write_text(text + REST)
        (tmp_path / "solver.prototxt").write_text(SOLVER + more)
        return netdef.Solver("solver.prototxt", device="cpu", **options)

    return make


def function(number):
    at = (np.arange(8) + 8 * number) % 50
    return {"x": ROWS[at], "y": LABELS[at]}


class Again:
    def __iter__(self):
        return (function(number) for number in range(25))


FEEDS = {
    "arrays": lambda: {"x": ROWS, "y": LABELS},
    "function": lambda: function,
    "list": lambda: [function(number) for number in range(25)],
    "iterable": Again,
}


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_it_learns_the_same_from_every_form(solver, feed):
    one = solver(INPUT, feed=feed())
    first = one.step(1)
    assert one.step(30) < first / 2
    other = solver(INPUT, feed={"x": ROWS, "y": LABELS})
    other.step(31)
    assert torch.equal(one.model.params["fc"][0], other.model.params["fc"][0])


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_resuming_is_exact(solver, feed):
    whole = solver(INPUT, feed=feed())
    whole.step(7)
    _, state = whole.snapshot()
    whole.step(9)
    again = solver(INPUT, feed=feed())
    again.restore(state)
    again.step(9)
    assert torch.equal(whole.model.params["fc"][0], again.model.params["fc"][0])


def test_memory_data_transforms_and_resumes(solver):
    whole = solver(MEMORY, feed={"x": IMAGES, "y": LABELS})
    first = whole.step(1)
    whole.step(6)
    _, state = whole.snapshot()
    assert whole.step(20) < first
    again = solver(MEMORY, feed={"x": IMAGES, "y": LABELS})
    again.restore(state)
    again.step(20)
    assert torch.equal(whole.model.params["fc"][0], again.model.params["fc"][0])


def test_a_function_may_look_at_the_net(solver):
    seen = []

    def feed(number):
        seen.append(float(made.model.params["fc"][0].detach().abs().sum()))
        return function(number)

    made = solver(INPUT, feed=feed)
    made.step(3)
    assert len(set(seen)) == 3


def test_test_nets_have_a_feed_of_their_own(solver):
    made = solver(INPUT, "test_iter: 5 test_interval: 100", feed=function, test_feed=function)
    (scores,) = made.test()
    expected = [float(made.model.loss(function(number)).detach()) for number in range(5)]
    assert scores["loss"] == pytest.approx([np.mean(expected)])


@pytest.mark.parametrize(
    ("more", "options", "argument"),
    [
        ("", {}, "feed"),
        ("test_iter: 5 test_interval: 100", {"feed": function}, "test_feed"),
    ],
)
def test_nothing_given(solver, more, options, argument):
    with pytest.raises(NetdefError, match="is fed by the program that trains") as raised:
        solver(INPUT, more, **options)
    (found,) = raised.value.diagnostics
    assert found.rule == "missing-input"
    assert found.note == f"train from Python: netdef.Solver(..., {argument}=...)"
    assert found.span.line == 1


def test_a_batch_that_does_not_fit(solver):
    made = solver(INPUT, feed=lambda number: {"x": np.zeros((8, 5)), "y": np.zeros(8)})
    with pytest.raises(NetdefError, match="shape"):
        made.step(1)
