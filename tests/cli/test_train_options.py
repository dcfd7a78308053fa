"""The options of `netdef train`: where it starts from, what it trains, how it goes on and ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from netdef.cli import main
from netdef.cli.train_signals import TrainingSignals

NET = """
name: "tiny"
layer {
  name: "data" type: "HDF5Data" top: "data" top: "label"
  hdf5_data_param { source: "data.txt" batch_size: 4 }
}
layer {
  name: "hidden" type: "InnerProduct" bottom: "data" top: "hidden"
  inner_product_param { num_output: 6 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "hidden" top: "hidden" }
layer {
  name: "out" type: "InnerProduct" bottom: "hidden" top: "out"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "out" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 6 display: 1 random_seed: 1
snapshot: 2
"""
ENDLESS = SOLVER.replace("max_iter: 6", "max_iter: 100000000").replace("snapshot: 2", "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with everything."""
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["data"] = rng.standard_normal((12, 5)).astype("f4")
        file["label"] = rng.integers(0, 3, 12).astype("f4")
    (tmp_path / "data.txt").write_text("data.h5\n")
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*options: str, code: int = 0) -> list[str]:
    """Run `netdef train solver.prototxt` in this process and return the lines it prints."""
    result = CliRunner().invoke(main, ["train", "solver.prototxt", *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output.splitlines()


def losses(lines: list[str]) -> list[float]:
    """The losses of the iterations that are displayed, from JSON lines."""
    events = [json.loads(line) for line in lines]
    return [event["loss"] for event in events if event["event"] == "progress"]


def test_the_report_on_weights(folder: Path) -> None:
    """Copied, skipped, missing, mismatched; as text and as JSON."""
    train()
    renamed = NET.replace('name: "hidden"', 'name: "new"').replace("num_output: 3", "num_output: 4")
    (folder / "net.prototxt").write_text(renamed)
    weights = "solver_iter_6.caffemodel,solver_iter_4.caffemodel"
    lines = train("--weights", weights, code=1)
    assert any("(3, 6) but (4, 6) in the net" in line for line in lines)
    lines = train("--weights", weights, "--skip-mismatched", "--iterations", "1")
    difference = "out: (3, 6), (3) in the file, (4, 6), (4) in the net"
    assert lines[:7] == [
        "weights: solver_iter_6.caffemodel: 0 layers copied",
        "  skipped, not in the net: hidden",
        f"  mismatched, left as it was: {difference}",
        "weights: solver_iter_4.caffemodel: 0 layers copied",
        "  skipped, not in the net: hidden",
        f"  mismatched, left as it was: {difference}",
        "  missing, not in any of the files: new, out",
    ]
    options = ["--skip-mismatched", "--iterations", "1", "--json"]
    first, *_ = train("--weights", "solver_iter_6.caffemodel", *options)
    assert json.loads(first) == {
        "event": "weights",
        "file": "solver_iter_6.caffemodel",
        "copied": [],
        "skipped": ["hidden"],
        "missing": ["new", "out"],
        "mismatched": [{"layer": "out", "stored": [[3, 6], [3]], "net": [[4, 6], [4]]}],
    }


def test_freezing_is_counted(folder: Path) -> None:
    """How much is trained and how much not is said before it begins."""
    lines = train("--freeze", "hid*")
    assert lines[0] == "parameters: 21 trained, 36 frozen"
    assert json.loads(train("--freeze", "hid*", "--json")[0])["frozen"] == 36
    assert any("no-such-layer" in line for line in train("--freeze", "conv", code=1))


def test_accumulating_is_iter_size(folder: Path) -> None:
    """The option and the field give the same training."""
    by_option = losses(train("--accumulate", "3", "--json"))
    (folder / "solver.prototxt").write_text(SOLVER + "iter_size: 3")
    assert losses(train("--json")) == by_option
    train("--accumulate", "0", code=2)


def test_how_to_compile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--compile-mode implies --compile; without either, nothing is compiled."""
    asked: list[dict] = []

    def compile(module, **options):
        asked.append(options)
        return module

    monkeypatch.setattr("torch.compile", compile)
    train()
    assert asked == []
    train("--compile")
    assert {} in asked and not any(asked)
    train("--compile-mode", "reduce-overhead")
    assert asked[-1] == {"mode": "reduce-overhead"}
    train("--compile-mode", "fastest", code=2)


@pytest.mark.slow
def test_compiled_training_is_the_same(folder: Path) -> None:
    """--compile changes no loss but by rounding."""
    plain = losses(train("--json"))
    # In a process of its own: torch's compiler warns of itself.
    with started("--compile") as process:
        output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert losses(output.splitlines()) == pytest.approx(plain, rel=1e-4)


def test_resuming_by_itself(folder: Path) -> None:
    """From nothing, from the newest, or from the newest that is whole; broken ones are named."""
    straight = losses(train("--resume", "auto", "--json"))
    (folder / "solver_iter_6.solverstate").write_bytes(b"broken")
    lines = train("--resume", "auto")
    assert "going on from solver_iter_4.solverstate, iteration 4" in lines
    assert any(line.startswith("warning[bad-state-file]: solver_iter_6") for line in lines)
    (folder / "solver_iter_6.caffemodel").write_bytes(b"broken, too")
    lines = train("--resume", "auto", "--json")
    again = [line for line in lines if line.startswith("{")]
    assert json.loads(again[0])["event"] == "resumed"
    assert losses(again) == straight[4:]
    for state in folder.glob("*.solverstate"):
        state.write_bytes(b"broken")
    lines = train("--resume", "auto", code=1)
    named = [line for line in lines if line.startswith("error[bad-state-file]")]
    assert len(named) == 4  # each of the three, and that none can be used


def test_weights_to_begin_with_and_snapshots_to_go_on_from(folder: Path) -> None:
    """One command for the first start and for those after it; not with a named state."""
    train()
    options = ["--weights", "solver_iter_2.caffemodel", "--resume"]
    lines = train(*options, "auto")
    assert "weights: solver_iter_2.caffemodel: 2 layers copied" in lines
    assert "going on from solver_iter_6.solverstate, iteration 6" in lines
    train(*options, "solver_iter_6.solverstate", code=2)


def started(*options: str) -> subprocess.Popen:
    """Start a training in a process of its own."""
    command = [sys.executable, "-m", "netdef", "train", "solver.prototxt", "--json", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def next_snapshot(process: subprocess.Popen) -> Path:
    """Read what it prints up to the next snapshot, and return that state."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "snapshot":
            return Path(event["state"])
    raise AssertionError(process.communicate())


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_signals(folder: Path) -> None:
    """SIGHUP: a snapshot, and on; SIGTERM: a snapshot, and the exit code 143."""
    (folder / "solver.prototxt").write_text(ENDLESS)
    with started() as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        first = next_snapshot(process)
        process.stdout.readline()  # it goes on
        process.send_signal(signal.SIGTERM)
        second = next_snapshot(process)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 143
    assert errors.startswith("stopped by SIGTERM after ")
    assert {first, second} == {path.relative_to(folder) for path in folder.glob("*.solverstate")}
    lines = train("--resume", "auto", "--iterations", "0")
    assert any(line.startswith(f"going on from {second}") for line in lines)


def test_interrupting_twice_ends_at_once() -> None:
    """The first asks the solver to stop, the second waits for nothing; SIGTERM may come often."""
    stops: list[int] = []
    workers = SimpleNamespace(any=lambda flag: flag)
    before = signal.getsignal(signal.SIGINT)
    with TrainingSignals(SimpleNamespace(stop=lambda: stops.append(1), workers=workers)) as taken:
        assert taken.received() == 0
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert taken.received() == signal.SIGTERM
        assert stops
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
