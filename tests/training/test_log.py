"""The log of a run: a header, every event, and going on where it ended."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import netdef
from netdef.source import NetdefError
from netdef.training.events import Evaluation
from netdef.training.history import History
from netdef.training.log import LogFile
from netdef.training.read_log import read_history


def train(folder: Path, solver: netdef.Solver, iterations: int) -> None:
    """Train with a log."""
    with LogFile(folder, solver) as log:
        solver.listeners.append(log)
        solver.step(iterations)
    solver.listeners.remove(log)


def events(folder: Path) -> list[dict[str, Any]]:
    """Return what a log tells."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_header(folder: Path) -> None:
    """It says what is trained, by which program, how, where and since when."""
    solver = netdef.Solver("solver.prototxt", device="cpu")
    train(folder / "new" / "log", solver, 1)
    header = events(folder / "new" / "log")[0]
    assert header["event"] == "start"
    assert header["netdef"] and header["device"] == "cpu" and header["seed"] == 3
    assert header["solver"]["text"] == (folder / "solver.prototxt").read_text()
    assert header["net"]["text"] == (folder / "net.prototxt").read_text()
    assert header["iteration"] == 0 and header["max_iter"] == 20
    assert datetime.fromisoformat(header["started"]).utcoffset().total_seconds() == 0  # pyright: ignore


def test_a_log_and_the_listener_agree(folder: Path) -> None:
    """Reading the log gives what a listener in the process was told."""
    solver = netdef.Solver("solver.prototxt")
    heard = History("log")
    solver.listeners.append(heard)
    train(folder / "log", solver, 20)
    assert read_history(folder / "log") == heard


def test_resuming_appends(folder: Path) -> None:
    """A second header, and what follows it replaces what was told of the same iterations."""
    straight = netdef.Solver("solver.prototxt")
    train(folder / "straight", straight, 20)
    first = netdef.Solver("solver.prototxt")
    train(folder / "log", first, 10)
    _, state = first.snapshot()
    train(folder / "log", first, 6)  # lost, and done again
    with (folder / "log" / "log.jsonl").open("a") as file:
        file.write('{"event": "progress", "itera')  # killed while it wrote
    second = netdef.Solver("solver.prototxt")
    second.restore(state)
    train(folder / "log", second, 10)
    lines = (folder / "log" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines if '"start"' in line] == [0, 10, 10]
    one, two = read_history(folder / "straight"), read_history(folder / "log")
    assert two.measures["loss"] == one.measures["loss"]
    assert two.scores == one.scores


def test_debug_and_notes(folder: Path) -> None:
    """What `debug_info` shows is in the log, and so is what people should know."""
    with (folder / "solver.prototxt").open("a") as file:
        file.write("debug_info: true early_stop: 1 monitor: 'accuracy'")
    solver = netdef.Solver("solver.prototxt")
    with LogFile(folder / "log", solver) as log:
        solver.listeners.append(log)
        solver.step(2)
        solver._tell("noticed", "a record was skipped")  # pyright: ignore[reportPrivateUsage]
    told = events(folder / "log")
    debug = [e for e in told if e["event"] == "debug"]
    assert [e["iteration"] for e in debug] == [0, 1]
    assert any(line.startswith("[Backward] Layer out, param blob 0") for line in debug[0]["lines"])
    assert told[-1] == {"event": "note", "text": "a record was skipped"}


def test_a_fault_is_in_the_log(folder: Path) -> None:
    """A training that came to a NaN says so in its log."""
    solver = netdef.Solver("solver.prototxt")
    solver.settings.base_lr = 1e38
    with pytest.raises(NetdefError, match="diverged"):
        train(folder / "log", solver, 20)
    assert events(folder / "log")[-1]["text"].startswith("error[diverged]: ")


def test_no_numbers_are_null(folder: Path) -> None:
    """JSON has neither NaN nor infinity."""
    solver = netdef.Solver("solver.prototxt")
    with LogFile(folder / "log", solver) as log:
        log.tested(Evaluation(0, 0, {"x": [float("nan"), float("-inf"), 1.0]}, {}))
    assert events(folder / "log")[-1]["scores"] == {"x": [None, None, 1.0]}


def test_a_log_that_cannot_be_written(folder: Path) -> None:
    """It is a fault of its own, at the start and later."""
    solver = netdef.Solver("solver.prototxt")
    (folder / "file").write_text("")
    with pytest.raises(NetdefError, match="cannot-write"):
        LogFile(folder / "file", solver)
    full = Path("/dev/full")
    if full.exists():
        (folder / "log").mkdir()
        (folder / "log" / "log.jsonl").symlink_to(full)
        with pytest.raises(NetdefError, match="No space left"):
            train(folder / "log", solver, 1)
