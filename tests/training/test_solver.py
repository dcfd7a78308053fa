"""The solver: resuming, testing, telling, refusing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import netdef
from netdef.schema import pb
from netdef.training.events import Evaluation, Progress
from netdef.training.rates import POLICIES


class Notes:
    """A listener that writes everything down."""

    def __init__(self) -> None:
        self.progressed: list[Progress] = []
        self.tests: list[Evaluation] = []
        self.ticks: list[int] = []
        self.snapshots: list[Path] = []

    def progress(self, progress: Progress) -> None:
        self.progressed.append(progress)

    def tick(self, iteration: int) -> None:
        self.ticks.append(iteration)

    def tested(self, result: Evaluation) -> None:
        self.tests.append(result)

    def snapshotted(self, weights: Path, state: Path) -> None:
        self.snapshots += [weights, state]


def params_of(solver: netdef.Solver) -> list[torch.Tensor]:
    """Return copies of all parameters and statistics."""
    return [t.detach().clone() for ts in solver.model.params.values() for t in ts]


def test_resuming_is_bit_exact(folder: Path) -> None:
    """Dropout, shuffling, statistics and momentum go on as if nothing had happened."""
    straight = netdef.Solver("solver.prototxt")
    straight.step(13)
    first = netdef.Solver("solver.prototxt")
    first.step(6)
    weights, state = first.snapshot()
    assert (weights, state) == (
        Path("out/run_iter_6.caffemodel"),
        Path("out/run_iter_6.solverstate"),
    )
    second = netdef.Solver("solver.prototxt")
    second.restore(state)
    assert second.iteration == 6
    second.step(7)
    assert all(map(torch.equal, params_of(straight), params_of(second)))
    assert straight.test() == second.test()


def test_same_seed_same_run(folder: Path, solver_text: str) -> None:
    """A seed fixes everything; without one, runs differ."""
    runs = [netdef.Solver("solver.prototxt") for _ in range(2)]
    assert runs[0].step(5) == runs[1].step(5)
    (folder / "solver.prototxt").write_text(solver_text.replace("random_seed: 3", ""))
    runs = [netdef.Solver("solver.prototxt") for _ in range(2)]
    assert runs[0].step(5) != runs[1].step(5)


def test_solve_tells_what_happens(folder: Path) -> None:
    """Displays, tests and snapshots come when the settings say, and learning works."""
    notes = Notes()
    solver = netdef.Solver("solver.prototxt", listeners=[notes])
    solver.solve()
    assert [p.iteration for p in notes.progressed] == [0, 5, 10, 15]
    assert [p.rate for p in notes.progressed] == pytest.approx([0.1, 0.1, 0.05, 0.025])
    assert [t.iteration for t in notes.tests] == [0, 10, 20]
    assert notes.ticks == list(range(1, 21))
    assert [p.name for p in notes.snapshots] == [
        "run_iter_20.caffemodel",
        "run_iter_20.solverstate",
    ]
    before, after = (notes.tests[i].scores["accuracy"][0] for i in (0, -1))
    assert after > before
    assert notes.tests[0].loss_weights == {"loss": 1.0}


def test_scores_are_means_over_the_test(folder: Path) -> None:
    """Each output is averaged over test_iter batches of the test net."""
    solver = netdef.Solver("solver.prototxt")
    (scores,) = solver.test()
    test_data = iter(netdef.batches(solver.tests[0].net))
    model = solver.tests[0]
    assert sorted(scores) == model.net.outputs == ["accuracy", "loss"]
    assert 0 <= scores["accuracy"][0] <= 1
    assert next(test_data)["data"].shape == (8, 6)


def test_several_test_nets_with_states(folder: Path, net_text: str, solver_text: str) -> None:
    """Each test_state selects its own layers, on top of the net's state."""
    extra = (
        'layer { name: "prob" type: "Softmax" bottom: "out" top: "prob" include { stage: "p" } }'
    )
    (folder / "net.prototxt").write_text(net_text + extra)
    states = 'test_iter: 2 test_state { stage: "p" } test_state { }'
    (folder / "solver.prototxt").write_text(solver_text + states)
    solver = netdef.Solver("solver.prototxt")
    assert [model.net.outputs for model in solver.tests] == [
        ["accuracy", "loss", "prob"],
        ["accuracy", "loss"],
    ]
    assert len(solver.test()[0]["prob"]) == 8 * 4
    assert solver.tests[0].params["fc"][0] is solver.model.params["fc"][0]


@pytest.mark.parametrize("form", ["net_param", "train_net_param"])
def test_inline_nets(folder: Path, form: str, net_text: str, solver_text: str) -> None:
    """A net may stand in the solver itself; its faults point there."""
    rest = solver_text.replace('net: "net.prototxt"', "").replace(
        "test_iter: 3 test_interval: 10", ""
    )
    (folder / "solver.prototxt").write_text(rest + f"{form} {{ {net_text} }}")
    solver = netdef.Solver("solver.prototxt")
    assert solver.step(1) > 0
    (folder / "solver.prototxt").write_text(
        rest + f"{form} {{ {net_text} }}".replace("num_output", "num")
    )
    with pytest.raises(netdef.NetdefError, match=r"solver.prototxt:\d+:\d+: error\[unknown-field"):
        netdef.Solver("solver.prototxt")


def test_model_replaces_all_nets(folder: Path, solver_text: str) -> None:
    """MODEL counts instead of what the solver names, also where that does not exist."""
    (folder / "solver.prototxt").write_text(solver_text.replace("net.prototxt", "nowhere.prototxt"))
    solver = netdef.Solver("solver.prototxt", net="net.prototxt")
    assert len(solver.tests) == 1
    solver = netdef.Solver("solver.prototxt", net=netdef.load("net.prototxt"))
    assert (solver.model.net.phase, solver.tests[0].net.phase) == ("TRAIN", "TEST")
    with pytest.raises(netdef.NetdefError, match=r"nowhere\.prototxt"):
        netdef.Solver("solver.prototxt")


def test_weights_named_in_the_solver(folder: Path, solver_text: str) -> None:
    """Training starts from them; one that is not there is an error at its place."""
    first = netdef.Solver("solver.prototxt")
    first.step(2)
    weights, _ = first.snapshot()
    (folder / "solver.prototxt").write_text(solver_text + f'weights: "{weights}"')
    second = netdef.Solver("solver.prototxt")
    assert all(map(torch.equal, params_of(first), params_of(second)))
    (folder / "solver.prototxt").write_text(solver_text + 'weights: "nowhere.caffemodel"')
    with pytest.raises(netdef.NetdefError, match=r"solver.prototxt:5:\d+: error\[missing-file"):
        netdef.Solver("solver.prototxt")


def test_settings_without_effect_are_named(folder: Path, solver_text: str) -> None:
    """Nothing that a solver asks for is left undone in silence."""
    (folder / "solver.prototxt").write_text(solver_text + "solver_type: SGD")
    assert [d.rule for d in netdef.Solver("solver.prototxt").diagnostics] == ["deprecated-field"]
    (folder / "solver.prototxt").write_text(solver_text + "snapshot_diff: true")
    assert [d.rule for d in netdef.Solver("solver.prototxt").diagnostics] == ["unsupported-field"]


def test_frozen_parameters_stay(folder: Path, net_text: str) -> None:
    """lr_mult 0 freezes, also against weight decay."""
    frozen = net_text.replace('name: "fc"', 'name: "fc" param { lr_mult: 0 } param { lr_mult: 0 }')
    (folder / "net.prototxt").write_text(frozen)
    solver = netdef.Solver("solver.prototxt")
    before = solver.model.params["fc"][0].clone()
    solver.step(3)
    assert torch.equal(solver.model.params["fc"][0], before)
    assert not solver.model.params["fc"][0].requires_grad


@pytest.mark.parametrize("where", [10, -1])
def test_damaged_state_is_refused(folder: Path, where: int) -> None:
    """A flipped bit anywhere is found by the digest."""
    solver = netdef.Solver("solver.prototxt")
    solver.step(1)
    _, state = solver.snapshot()
    raw = bytearray(state.read_bytes())
    raw[where] ^= 1
    state.write_bytes(raw)
    with pytest.raises(netdef.NetdefError, match="bad-state-file"):
        solver.restore(state)


def test_other_weights_are_refused(folder: Path) -> None:
    """The state knows the digest of its weight file."""
    solver = netdef.Solver("solver.prototxt")
    _, state = solver.snapshot()
    solver.step(1)
    shutil.copy(solver.snapshot()[0], folder / "out" / "run_iter_0.caffemodel")
    with pytest.raises(netdef.NetdefError, match="is not the file"):
        solver.restore(state)


def test_state_of_another_net_is_refused(folder: Path, net_text: str) -> None:
    """Histories must fit the parameters."""
    solver = netdef.Solver("solver.prototxt")
    _, state = solver.snapshot()
    (folder / "net.prototxt").write_text(net_text.replace("num_output: 12", "num_output: 13"))
    with pytest.raises(netdef.NetdefError, match="state-mismatch"):
        netdef.Solver("solver.prototxt").restore(state)


def test_truncated_states_never_crash(folder: Path) -> None:
    """Every prefix of a state is refused."""
    solver = netdef.Solver("solver.prototxt")
    raw = solver.snapshot()[1].read_bytes()
    path = folder / "cut.solverstate"
    for length in range(0, len(raw), max(1, len(raw) // 40)):
        path.write_bytes(raw[:length])
        with pytest.raises(netdef.NetdefError):
            solver.restore(path)


def test_no_loss(folder: Path, net_text: str) -> None:
    """A net without a loss has nothing to learn."""
    (folder / "net.prototxt").write_text(
        net_text.replace('type: "SoftmaxWithLoss"', 'type: "Silence"').replace('top: "loss"', "")
    )
    with pytest.raises(netdef.NetdefError, match="no loss"):
        netdef.Solver("solver.prototxt")


def test_policies() -> None:
    """Rates of every policy against their formulas."""
    s = pb.SolverParameter(base_lr=2, gamma=0.5, power=2, stepsize=10, max_iter=100)
    s.stepvalue.extend([5, 20])
    at = {name: [policy(s, i) for i in (0, 5, 20)] for name, policy in POLICIES.items()}
    assert at["fixed"] == [2, 2, 2]
    assert at["step"] == [2, 2, 0.5]
    assert at["exp"] == [2, 2 * 0.5**5, 2 * 0.5**20]
    assert at["inv"] == pytest.approx([2, 2 / 3.5**2, 2 / 11**2])
    assert at["multistep"] == [2, 1, 0.5]
    assert at["poly"] == pytest.approx([2, 2 * 0.95**2, 2 * 0.8**2])
    assert at["sigmoid"] == pytest.approx([2 / (1 + np.exp(-0.5 * (i - 10))) for i in (0, 5, 20)])
