"""Training goes as it went in the reference: losses and parameters, step for step."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import netdef

FOLDER = Path(__file__).parent / "conformance"
CASES = sorted(FOLDER.glob("*.npz"))
STATES = sorted(p.name for p in FOLDER.glob("*.solverstate*"))
BAR = 1e-3


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the data."""
    for name in ("data.h5", "data.txt"):
        shutil.copy(FOLDER / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_solver(record: "np.lib.npyio.NpzFile", folder: Path) -> netdef.Solver:
    """Write the recorded files and start from the recorded parameters."""
    (folder / "net.prototxt").write_text(str(record["net"]))
    (folder / "solver.prototxt").write_text(str(record["solver"]))
    solver = netdef.Solver(folder / "solver.prototxt")
    set_params(solver, record, "init:")
    return solver


def set_params(solver: netdef.Solver, record: "np.lib.npyio.NpzFile", prefix: str) -> None:
    """Give the parameters recorded values."""
    for key in (k for k in record.files if k.startswith(prefix)):
        layer, index = key.removeprefix(prefix).rsplit("/", 1)
        with torch.no_grad():
            solver.model.params[layer][int(index)].copy_(torch.from_numpy(record[key]))


def assert_params(solver: netdef.Solver, record: "np.lib.npyio.NpzFile", prefix: str) -> None:
    """Compare the parameters with recorded ones."""
    keys = [k for k in record.files if k.startswith(prefix)]
    assert keys
    for key in keys:
        layer, index = key.removeprefix(prefix).rsplit("/", 1)
        actual = solver.model.params[layer][int(index)].detach().numpy()
        assert np.abs(actual - record[key]).max() <= BAR, key


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_trajectory(path: Path, folder: Path) -> None:
    """40 losses, and the parameters after 1, 5 and 40 steps."""
    record = np.load(path)
    solver = make_solver(record, folder)
    for iteration, expected in enumerate(record["loss"], 1):
        assert solver.step(1) == pytest.approx(float(expected), rel=BAR), iteration
        if iteration in (1, 5):
            assert_params(solver, record, f"iter{iteration}:")
    assert_params(solver, record, "final:")


@pytest.mark.parametrize("state", STATES)
def test_resuming_the_reference(state: str, folder: Path) -> None:
    """From the reference's own snapshot after 20 steps, steps 21 to 40 come out."""
    record = np.load(FOLDER / f"{state.partition('.')[0]}.npz")
    for name in (state, state.replace("solverstate", "caffemodel")):
        shutil.copy(FOLDER / name, folder)
    solver = make_solver(record, folder)
    solver.restore(folder / state)
    assert solver.iteration == 20
    for expected in record["loss"][20:]:
        assert solver.step(1) == pytest.approx(float(expected), rel=BAR)
    assert_params(solver, record, "final:")
