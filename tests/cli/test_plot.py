"""`netdef plot`, and the logs of `netdef train` that it draws."""

import importlib.util
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from netdef.cli import main
from netdef.drawing.engines import shutil

NET = """
name: "tiny"
layer {
  name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param {
    shape { dim: 4 dim: 1 dim: 5 dim: 5 } shape { dim: 4 dim: 1 dim: 1 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 1 }
  }
}
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 5 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "conv" bottom: "label" top: "accuracy" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 20 display: 5 random_seed: 1
test_iter: 2 test_interval: 10 snapshot: 10
"""
CAFFE = "I0613 10:21:26.202908   202 solver.cpp:228] Iteration {0}, loss = {0}.5\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a net and a solver."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    """Run a command in this process and return what it prints, faults too."""
    result = CliRunner().invoke(main, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def text_of(path: str) -> str:
    """Return all that is written in an SVG."""
    return "\n".join(ET.parse(path).getroot().itertext())


def test_one_run(folder: Path) -> None:
    """`train --log` and `plot` of its folder: the header, the events, loss and accuracy."""
    output = run("train", "solver.prototxt", "--log", "first")
    events = [json.loads(line) for line in Path("first/log.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "start" and events[0]["net"]["path"] == "net.prototxt"
    assert {e["event"] for e in events[1:]} == {"progress", "test", "snapshot"}
    assert all(e["gradient_norm"] > 0 for e in events if e["event"] == "progress")
    if importlib.util.find_spec("tensorboard"):
        assert list(Path("first").glob("events.out.tfevents.*"))
        assert "missing-package" not in output
    assert run("plot", "first") == "curve: curve.svg\n"
    text = text_of("curve.svg")
    for part in ("first", "training loss", "test loss", "test accuracy", "training accuracy"):
        assert part in text


def test_many_runs_of_every_kind(folder: Path) -> None:
    """Logs, output of `--json` and a log of Caffe in one picture; equal names become paths."""
    run("train", "solver.prototxt", "--log", "a/same")
    run("train", "solver.prototxt", "--log", "b/same")
    Path("out.txt").write_text(run("train", "solver.prototxt", "--json"))
    Path("caffe.INFO").write_text("".join(CAFFE.format(i) for i in range(3)))
    logs = ["a/same", "b/same/log.jsonl", "out.txt", "caffe.INFO"]
    run("plot", *logs, "-o", "all.svg", "--what", "loss,rate", "--what", "accuracy", "--log-y")
    text = text_of("all.svg")
    for part in ("a/same", "b/same/log.jsonl", "out", "caffe", "learning rate", "score"):
        assert part in text
    for name in ("one.png", "one.pdf"):
        run("plot", "a/same", "-o", name, "--smooth", "3", "--title", "mine")
        assert Path(name).stat().st_size > 1000


def test_resuming_appends(folder: Path) -> None:
    """A run that goes on with the same folder is one run."""
    run("train", "solver.prototxt", "--log", "log", "--iterations", "10")
    run("train", "solver.prototxt", "--log", "log", "--resume", "solver_iter_10.solverstate")
    events = [json.loads(line) for line in Path("log/log.jsonl").read_text().splitlines()]
    assert [e["iteration"] for e in events if e["event"] == "start"] == [0, 10]
    run("plot", "log")


def test_without_tensorboard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines are written, and a warning says how to get the events."""
    monkeypatch.setattr("netdef.training.tensorboard.installed", lambda: False)
    output = run("train", "solver.prototxt", "--log", "log")
    assert "warning[missing-package]: no events for TensorBoard" in output
    assert "pip install 'netdef[tensorboard]'" in output
    assert [path.name for path in Path("log").iterdir()] == ["log.jsonl"]


def test_without_dot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph picture is left out, and that is said; everything else is there."""
    pytest.importorskip("tensorboard")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    output = run("train", "solver.prototxt", "--log", "log")
    assert "warning[missing-program]: PNG is drawn by the program `dot`" in output
    assert len(list(Path("log").iterdir())) == 2


def test_slips(folder: Path) -> None:
    """Every one is said before anything long begins, and none is a traceback."""
    Path("log").write_text(CAFFE.format(1))
    assert "error[not-a-log]: net.prototxt is no log" in run("plot", "net.prototxt", code=1)
    assert "error[missing-file]" in run("plot", "nowhere", code=1)
    assert "error[unknown-format]" in run("plot", "log", "-o", "c.jpg", code=1)
    assert "error[unknown-quantity]" in run("plot", "log", "--what", "rate", code=1)
    assert "error[cannot-write]" in run("plot", "log", "-o", "nowhere/c.svg", code=1)
    assert "error[unknown-format]" in run("train", "solver.prototxt", "--curve", "c.x", code=1)
    assert "error[cannot-write]" in run("train", "solver.prototxt", "--log", "log/a", code=1)
    run("plot", code=2)
    run("plot", "log", "--smooth", "0", code=2)


def test_drawing_needs_no_torch(folder: Path) -> None:
    """Curves come without the time that torch takes to load."""
    Path("log").write_text(CAFFE.format(1))
    program = (
        "import sys\nfrom netdef.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program, "plot", "log"], check=True)
