"""kill -9 while a snapshot is written after every iteration.

`make test` kills 3 times for each format, `make test-full` 200 times in all.
"""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netdef
from netdef.training.snapshot import check_weights, read_state
from netdef.training.snapshots import Snapshots

OFTEN = ' snapshot: 1 snapshot_keep: 3 snapshot_best: true monitor: "accuracy" ema_decay: 0.9'
EVERY = 20
"""Resumed runs are compared with the undisturbed one at multiples of this iteration."""


@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5"])
@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_the_newest_snapshot_is_always_whole(
    folder: Path,
    forks: Any,
    undisturbed: list[str],
    digest: Callable[[netdef.Solver], str],
    format: str,
    kills: int,
) -> None:
    solver = folder / "often.prototxt"
    text = (folder / "solver.prototxt").read_text().replace("test_interval: 10", "test_interval: 2")
    solver.write_text(f"{text} {OFTEN} snapshot_format: {format}")
    snapshots = Snapshots(str(folder / "out/run"))
    rng = random.Random(kills)
    reached = 0
    for _ in range(kills):
        command = forks.start(
            folder, "train", "often.prototxt", "--resume", "auto", "--iterations", "1000000"
        )
        wanted = _newest(snapshots) + rng.choice([0, 1, 2, 5, 10])
        while _newest(snapshots) < wanted and command.runs():
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.1))
        command.send(signal.SIGKILL)
        assert command.wait() == -signal.SIGKILL, command.output
        for state in (folder / "out").glob("run_*.solverstate*"):
            check_weights(read_state(state))  # raises for one that cannot be loaded
        newest = snapshots.states()
        if not newest:
            continue
        one = netdef.Solver(solver)
        one.restore(newest[0])
        reached += one.iteration
        goal = (one.iteration // EVERY + 1) * EVERY
        one.settings.ClearField("snapshot")
        one.step(goal - one.iteration)
        assert digest(one) == undisturbed[goal]
        if one.iteration > len(undisturbed) // 2:  # start anew
            for path in (folder / "out").iterdir():
                path.unlink()
    assert reached


def _newest(snapshots: Snapshots) -> int:
    """The iteration of the newest snapshot, 0 if there is none."""
    names = [path.name.partition(".")[0] for path in snapshots.states()]  # the latest first
    return int(names[0].rpartition("_")[2]) if names else 0
