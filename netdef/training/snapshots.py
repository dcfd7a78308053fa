"""The snapshots of a run: their names, which of them are kept, and which can be used."""

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from netdef.source import NetdefError
from netdef.training.snapshot import check_weights, kept_of, read_state

_ABANDONED = 3600.0  # seconds
_STATE = re.compile(r"_iter_(\d+)\.solverstate(?:\.h5)?")


@dataclass(frozen=True)
class Snapshots:
    """The files PREFIX_iter_N.caffemodel and .solverstate, or both with .h5 behind.

    Attributes:
        prefix: What their paths begin with.
        hdf5: Whether new ones are HDF5 files.
        keep: How many of the latest are kept; 0 for all.
    """

    prefix: str
    hdf5: bool = False
    keep: int = 0

    def paths(self, name: str) -> tuple[Path, Path]:
        """Return the paths of the weights and the state of a snapshot: `iter_100`, or `best`."""
        suffix = ".h5" if self.hdf5 else ""
        stem = f"{self.prefix}_{name}"
        return Path(f"{stem}.caffemodel{suffix}"), Path(f"{stem}.solverstate{suffix}")

    def mean_path(self, name: str) -> Path:
        """Return the path of the moving mean of the weights that belongs to a snapshot."""
        return _mean_of(self.paths(name)[0])

    def states(self, below: int | None = None) -> list[Path]:
        """Return the states that are there, the latest first.

        Args:
            below: Only those of earlier iterations than this.
        """
        prefix = Path(self.prefix)
        found: list[tuple[int, Path]] = []
        with suppress(FileNotFoundError):
            for path in prefix.parent.iterdir():
                match = path.name.startswith(prefix.name) and _STATE.fullmatch(
                    path.name, len(prefix.name)
                )
                if match and (below is None or int(match[1]) < below):
                    found.append((int(match[1]), path))
        return [path for _, path in sorted(found, reverse=True)]

    def _half_written(self) -> list[Path]:
        """Return the temporary files of this run's snapshots, as `replacing` names them."""
        prefix = Path(self.prefix)
        name = rf"\.[0-9a-f]{{8}}\.{re.escape(prefix.name)}_(iter_\d+|best)(\.ema)?\.[a-z.5]+"
        return [path for path in prefix.parent.iterdir() if re.fullmatch(name, path.name)]

    def prune(self, iteration: int) -> None:
        """Remove what is older than the `keep` latest, up to and including this iteration's.

        First the state, then its weights: a state that is there has weights. What processes that
        were killed left half written is removed, too, when nobody has written at it for an hour.
        """
        for path in self._half_written():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()
        for state in self.states(below=iteration + 1)[self.keep :] if self.keep else ():
            weights = state.with_name(state.name.replace(".solverstate", ".caffemodel"))
            for path in (state, weights, _mean_of(weights), kept_of(weights)):
                with suppress(FileNotFoundError):
                    path.unlink()


def _mean_of(weights: Path) -> Path:
    return weights.with_name(weights.name.replace(".caffemodel", ".ema.caffemodel"))


def newest_intact(states: list[Path]) -> tuple[Path | None, list[NetdefError]]:
    """Return the first state that can be used with its weights, and the faults of those before."""
    faults: list[NetdefError] = []
    for path in states:
        try:
            check_weights(read_state(path))
        except NetdefError as fault:
            faults.append(fault)
        else:
            return path, faults
    return None, faults


def earlier_than(path: Path) -> Path | None:
    """Return the latest state before one that is broken that can be used; None without any."""
    match = _STATE.search(path.name)
    if match is None:
        return None
    prefix = str(path.with_name(path.name[: match.start()]))
    return newest_intact(Snapshots(prefix).states(below=int(match[1])))[0]
