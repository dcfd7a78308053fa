"""Writing a snapshot such that, whatever happens meanwhile, the one it replaces can still be used.

A snapshot is two files, and no file system replaces two at once. So the old weights stay under
another name until the new state is there: a state finds its weights by their digest, under either.
"""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from netdef.source import NetdefError, error, replacing
from netdef.training.snapshot import check_weights, kept_of, read_state, write_state
from netdef.training.state import state_of

if TYPE_CHECKING:
    from netdef.training.solver import Solver


def save(solver: "Solver", name: str) -> tuple[Path, Path]:
    """Write the weights and the state of a solver, and the moving mean of its weights.

    Args:
        solver: The solver.
        name: What the files are called behind the prefix: `iter_100`, or `best`.

    Returns:
        The paths of the weights and the state.

    Raises:
        NetdefError: A file cannot be written. Then no new file is there, and those of that name
            that were there are as they were.
    """
    weights, state = solver.snapshots.paths(name)
    mean = solver.snapshots.mean_path(name)
    _make_folder(solver, weights.parent)
    with _keeping(weights, mean, state):
        solver.model.save_weights(weights)
        if solver.moving_mean is not None:
            with solver.moving_mean.in_place():
                solver.model.save_weights(mean)
        write_state(state, state_of(solver, weights))
    return weights, state


@contextmanager
def _keeping(*files: Path) -> Generator[None]:
    """Keep weights, mean and state while they are replaced; put them back if the block fails."""
    try:
        _settle(*files)
        new = [path for path in files if not path.exists()]
        try:
            for path in files:
                _keep(path)
            yield
        except BaseException:  # an interruption, too; it goes on below
            for path in files:
                _put_back(path, path in new)
            raise
        for path in files:
            kept_of(path).unlink(missing_ok=True)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise NetdefError(error("cannot-write", f"cannot write {files[-1]}: {reason}")) from fault


def _settle(weights: Path, mean: Path, state: Path) -> None:
    """Clear up after a process that was killed here: only one of two weights fits the state."""
    kept = kept_of(weights)
    if kept.exists():
        with suppress(NetdefError):
            found = read_state(state)
            check_weights(found)
            if found.weights == kept:
                os.replace(kept, weights)
    for path in (weights, mean, state):
        kept_of(path).unlink(missing_ok=True)


def _keep(path: Path) -> None:
    if path.exists():
        try:
            os.link(path, kept_of(path))
        except OSError:  # a file system without links
            with replacing(kept_of(path)) as temporary:
                shutil.copyfile(path, temporary)


def _put_back(path: Path, new: bool) -> None:
    """Undo what was done to a file; where that fails too, its state still finds what was kept."""
    kept = kept_of(path)
    with suppress(OSError):
        if new:
            path.unlink(missing_ok=True)
        elif path.exists() and kept.exists() and kept.samefile(path):
            kept.unlink()
        elif kept.exists():
            os.replace(kept, path)


def _make_folder(solver: "Solver", folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        text = f"cannot make the folder {folder} for snapshots: {fault.strerror}"
        place = solver.source.place("snapshot_prefix")
        raise NetdefError(error("cannot-write", text, place)) from None
