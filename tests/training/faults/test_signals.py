"""Signals at random times.

`make test` sends 4, `make test-full` 50.
"""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netdef
from netdef.training.snapshots import Snapshots, newest_intact

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def wait_until(condition: Callable[[], Any], command: Any) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, command.output
        time.sleep(0.01)


@pytest.mark.parametrize("count", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_a_snapshot_and_a_clean_end(
    folder: Path,
    forks: Any,
    undisturbed: list[str],
    digest: Callable[[netdef.Solver], str],
    count: int,
) -> None:
    snapshots = Snapshots(str(folder / "out/run"))
    rng = random.Random(count)
    for number in range(count):
        for path in (folder / "out").glob("*"):
            path.unlink()
        chosen = SIGNALS[number % len(SIGNALS)]
        command = forks.start(folder, "train", "solver.prototxt", "--iterations", "1000000")
        wait_until(lambda command=command: "iteration 0: loss" in command.output, command)
        time.sleep(rng.uniform(0, 0.15))
        command.send(chosen)
        if chosen == signal.SIGHUP:
            wait_until(snapshots.states, command)
            first = command.output
            wait_until(lambda c=command, f=first: c.output.count("loss") > f.count("loss"), command)
            chosen = signal.SIGTERM
            command.send(chosen)
        assert command.wait() == 128 + chosen, command.output
        assert "Traceback" not in command.output
        newest, faults = newest_intact(snapshots.states())
        assert newest is not None
        assert not faults
        one = netdef.Solver(folder / "solver.prototxt")
        one.restore(newest)
        assert one.iteration > 0
        if one.iteration < len(undisturbed):
            assert digest(one) == undisturbed[one.iteration]
        assert f"run_iter_{one.iteration}.caffemodel" in command.output
