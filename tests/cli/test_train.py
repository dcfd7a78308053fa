"""`netdef train` as a user runs it."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from netdef.cli import main

NET = """
name: "tiny"
layer {
  name: "data" type: "HDF5Data" top: "data" top: "label"
  hdf5_data_param { source: "data.txt" batch_size: 4 }
}
layer {
  name: "out" type: "InnerProduct" bottom: "data" top: "out"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "out" bottom: "label" top: "loss" }
layer {
  name: "accuracy" type: "Accuracy" bottom: "out" bottom: "label" top: "accuracy"
  include { phase: TEST }
}
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 20 display: 10 random_seed: 1
test_iter: 2 test_interval: 10 snapshot: 10
"""


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


def run(*arguments: str, code: int = 0) -> str:
    """Run a command in this process and return what it prints."""
    result = CliRunner().invoke(main, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_plain_lines(folder: Path) -> None:
    """Without a terminal: a line per display, test and snapshot, and where the curve is."""
    lines = run("train", "solver.prototxt").splitlines()
    assert lines[0].startswith("iteration 0: test net 0: accuracy = ")
    assert lines[1].startswith("iteration 0: loss ")
    assert "snapshot: solver_iter_10.caffemodel and solver_iter_10.solverstate" in lines
    assert lines[-1] == "learning curve: solver_curve.svg"
    root = ET.parse(folder / "solver_curve.svg").getroot()
    text = "".join(root.itertext())
    assert "tiny" in text
    assert "test accuracy" in text


def test_json(folder: Path) -> None:
    """One JSON object per line, nothing else on standard output."""
    events = [json.loads(line) for line in run("train", "solver.prototxt", "--json").splitlines()]
    assert [e["event"] for e in events] == [
        "test", "progress", "snapshot", "test", "progress", "snapshot", "test",
    ]  # fmt: skip
    assert events[1]["iteration"] == 0
    assert events[-1]["scores"].keys() == {"accuracy", "loss"}


def test_model_and_resume(folder: Path) -> None:
    """MODEL SOLVER works, and so does going on from a snapshot."""
    run("train", "net.prototxt", "solver.prototxt", "--iterations", "10")
    output = run("train", "solver.prototxt", "--resume", "solver_iter_10.solverstate")
    assert "iteration 10: loss" in output
    assert "iteration 0:" not in output
    assert (folder / "solver_iter_20.caffemodel").exists()


def test_weights_start_it(folder: Path) -> None:
    """--weights gives the parameters, the iteration starts at 0."""
    run("train", "solver.prototxt")
    output = run("train", "solver.prototxt", "--weights", "solver_iter_20.caffemodel")
    assert "iteration 0: loss" in output
    run("train", "solver.prototxt", "--weights", "x", "--resume", "y", code=2)
    run("train", "solver.prototxt", "--weights", "nowhere.caffemodel", code=1)


def test_interrupt_writes_a_snapshot(folder: Path) -> None:
    """Ctrl-C finishes the iteration, writes a snapshot and ends with 130."""
    (folder / "solver.prototxt").write_text(SOLVER.replace("max_iter: 20", "max_iter: 100000000"))
    command = [sys.executable, "-c", "from netdef.cli import main; main()", "train"]
    with subprocess.Popen(
        [*command, "solver.prototxt", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors.decode()
    assert b"Traceback" not in errors
    snapshots = [json.loads(line) for line in output.splitlines() if b"snapshot" in line]
    state = snapshots[-1]["state"]
    run("train", "solver.prototxt", "--resume", state, "--iterations", "0")
