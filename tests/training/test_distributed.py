"""Several processes that train one net: the same trajectory, the same scores, the same end."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import netdef
from netdef.source import NetdefError
from netdef.training.distributed import joined
from netdef.weights import read_weights

NET = """
layer {
  name: "data" type: "HDF5Data" top: "data" top: "label" include { phase: TRAIN }
  hdf5_data_param { source: "data.txt" batch_size: BATCH shuffle: true }
}
layer {
  name: "data" type: "HDF5Data" top: "data" top: "label" include { phase: TEST }
  hdf5_data_param { source: "data.txt" batch_size: 8 }
}
layer {
  name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param { num_output: 12 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "fc" top: "fc" }
layer {
  name: "out" type: "InnerProduct" bottom: "fc" top: "out"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "out" bottom: "label" top: "loss" }
layer {
  name: "accuracy" type: "Accuracy" bottom: "out" bottom: "label" top: "accuracy"
  include { phase: TEST }
}
"""
# Nothing depends on which process reads which record: no statistics of a batch, no dropout.
SOLVER = """
net: "BATCH.prototxt" base_lr: 0.1 lr_policy: "step" gamma: 0.5 stepsize: 7 momentum: 0.9
weight_decay: 0.01 max_iter: 20 random_seed: 3 snapshot_prefix: "BATCH" average_loss: 3
test_iter: 3 test_iter: 1 test_interval: 5 display: 1 snapshot: 5
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
NETDEF = [sys.executable, "-m", "netdef"]


@pytest.fixture
def nets(folder: Path) -> Path:
    """The working folder, with a net of batch 8 and one of batch 16, and a solver for each."""
    for batch in ("8", "16"):
        (folder / f"{batch}.prototxt").write_text(NET.replace("BATCH", batch))
        (folder / f"{batch}_solver.prototxt").write_text(SOLVER.replace("BATCH", batch))
    return folder


def events(output: str) -> list[dict]:
    """The JSON lines that `netdef train --json` prints."""
    return [json.loads(line) for line in output.splitlines()]


def finished(command: list[str]) -> list[dict]:
    """Run to a good end and return the events."""
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr
    return events(done.stdout)


def largest_difference(a: Path, b: Path) -> float:
    """Over all parameters of two weight files."""
    pairs = zip(read_weights(a).layers, read_weights(b).layers, strict=True)
    blobs = [both for x, y in pairs for both in zip(x.blobs, y.blobs, strict=True)]
    return max(float(np.abs(x - y).max()) for x, y in blobs)


@pytest.mark.parametrize("accumulate", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_two_processes_are_one_with_the_double_batch(nets: Path, accumulate: str) -> None:
    """Weights, displayed losses, rates and scores of 20 iterations agree within 1e-5.

    The second test net has one batch, so that one of the processes has none to test.
    """
    options = ["--json", "--accumulate", accumulate]
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "netdef"]
    alone = finished([*NETDEF, "train", "16_solver.prototxt", *options])
    both = finished([*run, "train", "8_solver.prototxt", *options])
    assert [e["event"] for e in both] == [e["event"] for e in alone]
    for one, other in zip(alone, both, strict=True):
        if one["event"] == "progress":
            assert other["loss"] == pytest.approx(one["loss"], abs=1e-5)
            assert (other["iteration"], other["rate"]) == (one["iteration"], one["rate"])
        elif one["event"] == "test":
            assert other["scores"].keys() == one["scores"].keys() == {"accuracy", "loss"}
            for name, values in one["scores"].items():
                assert other["scores"][name] == pytest.approx(values, abs=1e-5)
    for iteration in (5, 10, 15, 20):
        name = f"_iter_{iteration}.caffemodel"
        assert largest_difference(nets / f"16{name}", nets / f"8{name}") < 1e-5


def started(count: int, *options: str) -> list[subprocess.Popen]:
    """Start as many processes as torchrun would, without torchrun's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [
        subprocess.Popen(
            [*NETDEF, "train", "8_solver.prototxt", "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**ENVIRONMENT, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(count)
    ]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([0], marks=pytest.mark.slow),
        [1],
        pytest.param([0, 1], marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_signal_to_any_ends_all_with_one_snapshot(nets: Path, told: list[int]) -> None:
    """SIGTERM to one or all: every process ends with 143, and only the first writes and prints."""
    (nets / "8_solver.prototxt").write_text(
        SOLVER.replace("BATCH", "8").replace(" snapshot: 5", "").replace(": 20", ": 100000000")
    )
    workers = started(2)
    assert workers[0].stdout is not None
    before = [workers[0].stdout.readline() for _ in range(3)]
    for rank in told:
        workers[rank].send_signal(signal.SIGTERM)
    outputs = [worker.communicate(timeout=300) for worker in workers]
    assert [worker.returncode for worker in workers] == [143, 143], outputs
    assert outputs[1] == ("", "")
    told_by_first = events("".join(before) + outputs[0][0])
    (written,) = [e["state"] for e in told_by_first if e["event"] == "snapshot"]
    assert [path.name for path in nets.glob("8_iter_*.solverstate")] == [written]
    solver = netdef.Solver("8_solver.prototxt")
    solver.restore(written)
    assert solver.iteration > 0


def test_a_process_that_is_killed_ends_the_others_with_a_message(nets: Path) -> None:
    """Exit code 1 and no traceback; the snapshots before it stay."""
    (nets / "8_solver.prototxt").write_text(
        SOLVER.replace("BATCH", "8").replace(": 20", ": 100000000")
    )
    workers = started(2)
    assert workers[0].stdout is not None
    while "snapshot" not in workers[0].stdout.readline():
        pass
    workers[1].kill()
    workers[1].communicate(timeout=300)
    _, errors = workers[0].communicate(timeout=300)
    assert workers[0].returncode == 1
    assert "error[lost-worker]" in errors
    assert "Traceback" not in errors


def test_nobody_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """WORLD_SIZE alone is not enough, and that is said."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(NetdefError, match="cannot-join"), joined():
        pass
