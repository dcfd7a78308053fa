"""Events for TensorBoard, read back by TensorBoard's own reader."""

from pathlib import Path
from typing import Any

import pytest
import torch

import netdef
from netdef.training.filters import filter_grid, first_filters
from netdef.training.histogram import histogram_of

NET = """
name: "small"
layer {
  name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param {
    shape { dim: 4 dim: 3 dim: 6 dim: 6 } shape { dim: 4 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 1 }
  }
}
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 5 kernel_size: 3 weight_filler { type: "xavier" } }
}
layer {
  name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" param { lr_mult: 0 }
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 20 random_seed: 1 display: 5
test_iter: 1 test_interval: 10 snapshot_after_train: false iter_size: 2 log_gradient_norm: true
"""


@pytest.fixture
def solver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> netdef.Solver:
    """A solver whose net begins with a convolution over colours."""
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(NET)
    Path("solver.prototxt").write_text(SOLVER)
    return netdef.Solver("solver.prototxt")


def written(folder: Path) -> Any:
    """Return everything that the events in a folder say."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    everything = {"scalars": 0, "histograms": 0, "images": 0}
    return EventAccumulator(str(folder), size_guidance=everything).Reload()


def test_everything_is_there(solver: netdef.Solver, tmp_path: Path) -> None:
    """Scalars, histograms of parameters and gradients at tests, the picture, the filters."""
    pytest.importorskip("tensorboard")
    from netdef.drawing import draw
    from netdef.drawing.engines import shutil
    from netdef.training.tensorboard import TensorBoard

    gradients: dict[int, torch.Tensor] = {}

    def keep(param: torch.Tensor) -> None:
        assert param.grad is not None
        gradients[solver.iteration] = param.grad.clone() / 2  # iter_size

    solver.model.params["conv"][0].register_post_accumulate_grad_hook(keep)
    with TensorBoard(tmp_path / "log", solver) as board:
        drawn = shutil.which("dot") is not None
        if drawn:
            assert board.draw(draw(solver.model.net, "png"))
        solver.listeners.append(board)
        solver.solve()
    events = written(tmp_path / "log")
    assert set(events.Tags()["scalars"]) == {
        "train/loss", "train/rate", "train/images per second", "train/gradient norm",
        "train output/loss", "test/loss",
    }  # fmt: skip
    assert [e.step for e in events.Scalars("train/loss")] == [0, 5, 10, 15]
    assert [e.step for e in events.Scalars("test/loss")] == [0, 10, 20]
    names = {f"{layer}/{part}" for layer in ("conv", "fc") for part in ("weight", "bias")}
    # What lr_mult 0 freezes has no gradient.
    learned = names if solver.model.params["fc"][0].requires_grad else names - {"fc/weight"}
    assert set(events.Tags()["histograms"]) == {
        *(f"parameters/{name}" for name in names),
        *(f"gradients/{name}" for name in learned),
    }
    found = events.Histograms("gradients/conv/weight")
    assert [h.step for h in found] == [0, 10]
    for histogram in found:
        gradient = gradients[histogram.step]
        assert histogram.histogram_value.num == gradient.numel()
        assert histogram.histogram_value.min == pytest.approx(float(gradient.min()))
        assert histogram.histogram_value.sum_squares == pytest.approx(
            float(gradient.square().sum()), rel=1e-5
        )
    assert [h.step for h in events.Histograms("parameters/fc/bias")] == [0, 10, 20]
    assert set(events.Tags()["images"]) == {"filters/conv/weight"} | ({"net"} if drawn else set())
    assert not solver.model.params["conv"][1]._post_accumulate_grad_hooks  # pyright: ignore


def test_going_on_hides_what_is_done_again(solver: netdef.Solver, tmp_path: Path) -> None:
    """TensorBoard shows each iteration once."""
    pytest.importorskip("tensorboard")
    from netdef.training.tensorboard import TensorBoard

    for begin, end in ((0, 18), (8, 20)):
        solver.iteration = begin
        with TensorBoard(tmp_path / "log", solver) as board:
            solver.listeners[:] = [board]
            solver.step(end - begin)
    steps = [e.step for e in written(tmp_path / "log").Scalars("train/loss")]
    assert steps == [0, 5, 10, 15]


def test_a_drawing_that_is_too_large(solver: netdef.Solver, tmp_path: Path) -> None:
    """It is left out before it is decoded."""
    pytest.importorskip("tensorboard")
    from netdef.training.tensorboard import TensorBoard

    header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR" + (10_000).to_bytes(4) * 2
    with TensorBoard(tmp_path / "log", solver) as board:
        assert not board.draw(header)


def test_first_filters(solver: netdef.Solver) -> None:
    """Those that read images of one or three channels."""
    found = first_filters(solver.params)
    assert found is not None and found.layer == "conv"
    assert first_filters(solver.params[2:]) is None


def test_filter_grid() -> None:
    """One scale for all, blue first becomes red first, enlarged and divided by lines."""
    filters = torch.zeros(5, 3, 2, 2)
    filters[0, 0] = 2.0  # blue
    filters[4] = -2.0
    page = filter_grid(filters)
    tile = 2 * 16 + 1
    assert page.shape == (3, 3 * tile + 1, 2 * tile + 1)
    assert page[:, 1, 1].tolist() == [0.5, 0.5, 1.0]
    assert page[:, 2 * tile + 1, 1].tolist() == [0.0, 0.0, 0.0]
    assert page[:, 0, :].min() == 1.0 and page[:, :, -1].min() == 1.0
    assert filter_grid(torch.zeros(1, 1, 40, 40)).shape == (1, 42, 42)


def test_histogram() -> None:
    """Every value is in a bin; a constant has one; no numbers have none."""
    values = torch.arange(1000.0).reshape(10, 100)
    histogram = histogram_of(values)
    assert histogram is not None
    assert sum(histogram.counts) == histogram.count == 1000
    assert (histogram.min, histogram.max, histogram.sum) == (0, 999, 499_500)
    assert len(histogram.limits) == len(histogram.counts) and histogram.limits[-1] == 999
    constant = histogram_of(torch.full((3,), 2.0))
    assert constant is not None and constant.counts == [3]
    assert histogram_of(torch.tensor([1.0, float("nan")])) is None
    assert histogram_of(torch.tensor([float("inf")])) is None
    assert histogram_of(torch.empty(0)) is None
