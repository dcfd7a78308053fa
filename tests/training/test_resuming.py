"""Whatever is set, a run that is resumed goes on bit for bit as if it had not been interrupted."""

from pathlib import Path

import pytest
import torch

import netdef
from netdef.training.rules import TYPES, WITHOUT_MOMENTUM

LSTM = """
layer { name: "in" type: "DummyData" top: "x" top: "cont"
  dummy_data_param { data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 }
    shape { dim: [3, 2, 4] } shape { dim: [3, 2] } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
  recurrent_param { num_output: 5 weight_filler { type: "uniform" min: -1 max: 1 } } }
layer { name: "zero" type: "DummyData" top: "y" dummy_data_param { shape { dim: [3, 2, 5] } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "h" bottom: "y" top: "loss" }
"""


def solver(folder: Path, more: str = "", **options) -> netdef.Solver:
    """The solver of the folder, with more fields."""
    path = folder / "more.prototxt"
    path.write_text((folder / "solver.prototxt").read_text() + more)
    return netdef.Solver(path, **options)


def everything(solver: netdef.Solver) -> list[torch.Tensor]:
    """All values a run depends on."""
    values = [t for ts in solver.model.params.values() for t in ts]
    values += [t for ts in solver.rule.histories().values() for t in ts]
    values += solver.moving_mean.means if solver.moving_mean else []
    return [value.detach().clone() for value in values]


def compare(folder: Path, more: str = "", at: int = 6, **options) -> None:
    """13 iterations in one go, and with a break."""
    straight = solver(folder, more, **options)
    straight.step(13)
    first = solver(folder, more, **options)
    first.step(at)
    _, state = first.snapshot()
    second = solver(folder, more, **options)
    second.restore(state)
    assert second.iteration == at
    second.step(13 - at)
    assert all(map(torch.equal, everything(straight), everything(second)))
    assert straight.test() == second.test()
    assert straight.rate == second.rate


@pytest.mark.parametrize("type", TYPES)
def test_every_rule(folder: Path, type: str) -> None:
    text = (folder / "solver.prototxt").read_text()
    if type in WITHOUT_MOMENTUM:
        (folder / "solver.prototxt").write_text(text.replace("momentum: 0.9", ""))
    compare(folder, f'type: "{type}" iter_size: 2 clip_gradients: 3')


@pytest.mark.parametrize("at", [1, 7, 12])
def test_from_any_iteration(folder: Path, at: int) -> None:
    compare(folder, at=at)


def test_hdf5(folder: Path) -> None:
    compare(folder, "snapshot_format: HDF5")
    assert (folder / "out/run_iter_6.caffemodel.h5").exists()
    assert (folder / "out/run_iter_6.solverstate.h5").exists()


def test_the_moving_mean(folder: Path) -> None:
    compare(folder, "ema_decay: 0.9")


def test_plateau(folder: Path) -> None:
    (folder / "solver.prototxt").write_text(
        (folder / "solver.prototxt").read_text().replace('"step"', '"plateau"')
    )
    compare(folder, "plateau_winsize: 2 plateau_winsize: 2 plateau_winsize: 1", at=8)


def test_what_a_recurrent_layer_carries(folder: Path) -> None:
    (folder / "net.prototxt").write_text(LSTM)
    (folder / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" random_seed: 1'
        ' snapshot_prefix: "out/r"'
    )
    compare(folder)


def test_the_state_of_another_solver(folder: Path) -> None:
    one = solver(folder)
    one.step(1)
    _, state = one.snapshot()
    with pytest.raises(netdef.NetdefError, match="histories"):
        solver(folder, 'type: "Adam"').restore(state)
