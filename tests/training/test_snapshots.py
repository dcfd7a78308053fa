"""Which snapshots are kept, and what is said of broken ones."""

from pathlib import Path

import pytest
import torch

import netdef
from netdef.training.events import Evaluation, Listener


def solver(folder: Path, more: str = "", **options) -> netdef.Solver:
    """The solver of the folder, with more fields."""
    path = folder / "more.prototxt"
    path.write_text((folder / "solver.prototxt").read_text() + more)
    return netdef.Solver(path, **options)


def names(folder: Path) -> set[str]:
    """The files in the snapshots' folder."""
    return {path.name for path in (folder / "out").iterdir()}


def test_the_latest_are_kept(folder: Path) -> None:
    solver(folder, "snapshot: 3 snapshot_keep: 2").step(10)
    assert names(folder) == {
        f"run_iter_{n}.{kind}" for n in (6, 9) for kind in ("caffemodel", "solverstate")
    }


def test_files_of_others_stay(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "run_iter_x.solverstate").touch()
    (folder / "out" / "run2_iter_1.solverstate").touch()
    (folder / "out" / "run_iter_900.solverstate").touch()
    solver(folder, "snapshot: 1 snapshot_keep: 1").step(3)
    others = {"run_iter_x.solverstate", "run2_iter_1.solverstate", "run_iter_900.solverstate"}
    assert names(folder) == others | {"run_iter_3.caffemodel", "run_iter_3.solverstate"}


def test_the_moving_mean_has_a_file(folder: Path) -> None:
    one = solver(folder, "snapshot: 2 snapshot_keep: 1 ema_decay: 0.5")
    one.step(4)
    assert "run_iter_4.ema.caffemodel" in names(folder)
    assert "run_iter_2.ema.caffemodel" not in names(folder)
    mean = netdef.compile(one.model.net, folder / "out/run_iter_4.ema.caffemodel", device="cpu")
    found = torch.cat([t.detach().flatten() for ts in mean.params.values() for t in ts])
    torch.testing.assert_close(found, torch.cat([m.flatten() for m in one.moving_mean.means]))


class Scores(Listener):
    """Writes down what tests and notices say."""

    def __init__(self) -> None:
        self.accuracies: list[float] = []
        self.notices: list[str] = []

    def tested(self, result: Evaluation) -> None:
        self.accuracies.append(result.scores["accuracy"][0])

    def noticed(self, text: str) -> None:
        self.notices.append(text)


def test_the_best_is_kept(folder: Path) -> None:
    scores = Scores()
    one = solver(
        folder,
        'snapshot_best: true monitor: "accuracy" snapshot_after_train: false',
        listeners=[scores],
    )
    one.settings.test_interval = 2
    one.solve()
    assert names(folder) == {"run_best.caffemodel", "run_best.solverstate"}
    best = solver(folder)
    best.restore(folder / "out/run_best.solverstate")
    later = scores.accuracies[1:]  # at iteration 0 there is nothing to keep
    assert best.iteration == 2 * (1 + later.index(max(later)))


def test_training_ends_when_tests_get_no_better(folder: Path) -> None:
    scores = Scores()
    one = solver(folder, 'base_lr: 0 early_stop: 3 monitor: "accuracy"'.replace("base_lr: 0 ", ""))
    one.settings.base_lr = 0.0
    one.settings.weight_decay = 0.0
    one.settings.test_interval = 1
    one.listeners.append(scores)
    one.monitor.best = 2.0  # no accuracy can be better
    one.solve()
    assert one.iteration == 2
    assert len(scores.accuracies) == 3
    assert "no better test since 3 tests" in scores.notices[0]


def test_an_output_that_is_not_there(folder: Path) -> None:
    with pytest.raises(netdef.NetdefError, match="no output `acuracy`"):
        solver(folder, 'monitor: "acuracy" snapshot_best: true').test()


def test_a_broken_snapshot_names_the_one_before(folder: Path) -> None:
    one = solver(folder, "snapshot: 2")
    one.step(6)
    latest, before = folder / "out/run_iter_6.solverstate", folder / "out/run_iter_4.caffemodel"
    latest.write_bytes(latest.read_bytes()[:-1])
    before.write_bytes(before.read_bytes()[:-1])
    with pytest.raises(netdef.NetdefError, match=r"run_iter_2\.solverstate") as caught:
        solver(folder).restore(latest)
    assert "run_iter_6.solverstate cannot be used" in str(caught.value)
    other = solver(folder)
    other.restore(folder / "out/run_iter_2.solverstate")
    assert other.iteration == 2


@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5"])
def test_every_damage_is_found(folder: Path, format: str) -> None:
    """A sample: bits flipped all over the state, and of the weights that belong to it."""
    one = solver(folder, f"snapshot_format: {format}")
    one.step(2)
    for path in one.snapshot():
        raw = path.read_bytes()
        step = max(1, len(raw) // 40)
        for at in range(step // 2, len(raw), step):
            path.write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
            with pytest.raises(netdef.NetdefError):
                solver(folder).restore(folder / f"out/{one.snapshots.paths('iter_2')[1].name}")
        path.write_bytes(raw)


def test_values_that_are_none_end_the_training(folder: Path) -> None:
    one = solver(folder, "snapshot: 1")
    one.step(2)
    with torch.no_grad():
        one.model.params["out"][0][0, 0] = float("nan")
    with pytest.raises(netdef.NetdefError, match="iteration 2, first in the parameter weight of"):
        one.step(1)
    assert one.iteration == 2
    assert "run_iter_3.solverstate" not in names(folder)


def test_the_layer_that_made_it_is_named(folder: Path) -> None:
    text = (folder / "net.prototxt").read_text()
    bad = 'layer { name: "log" type: "Log" bottom: "out" top: "out" }\n'
    (folder / "net.prototxt").write_text(
        text.replace('layer { name: "loss"', bad + 'layer { name: "loss"')
    )
    with pytest.raises(netdef.NetdefError, match="top `out` of layer `log`"):
        solver(folder).step(1)


def test_parameters_that_are_none_are_not_written(folder: Path) -> None:
    one = solver(folder)
    one.step(1)
    with torch.no_grad():
        one.model.params["fc"][1][0] = float("inf")
    with pytest.raises(netdef.NetdefError, match="bias of layer `fc` became NaN"):
        one.snapshot()
