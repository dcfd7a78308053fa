"""Weights that a run starts from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netdef.source import NetdefError, error
from netdef.source.locate import locate, looked_in
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.weights import load_weights
from netdef.training.solver_file import SolverFile
from netdef.weights import Match


@dataclass(frozen=True)
class Transfer:
    """What the train net got from weight files.

    Attributes:
        files: Each file, in order, with what of it went where; of a layer in several, the last one
            counts.
    """

    files: tuple[tuple[Path, Match], ...] = ()

    @property
    def missing(self) -> list[str]:
        """The layers that no file has all values for, in the order of the net."""
        if not self.files:
            return []
        others = [set(match.missing) for _, match in self.files[1:]]
        first = self.files[0][1].missing
        return [name for name in first if all(name in names for names in others)]


def split_names(entries: Sequence[str]) -> list[str]:
    """Return the names in entries that are each one name, or several with commas between."""
    return [name.strip() for entry in entries for name in entry.split(",") if name.strip()]


def weights_of_solver(source: SolverFile) -> list[Path]:
    """Return the weight files that a solver names.

    Raises:
        NetdefError: One is not there.
    """
    paths: list[Path] = []
    for name in split_names(source.message.weights):
        path = locate(name, source.file.path)
        if path is None:
            text = f"the weight file `{name}` is not there"
            note = looked_in(name, source.file.path)
            place = source.place("weights")
            raise NetdefError(error("missing-file", text, place, note=note))
        paths.append(path)
    return paths


def transfer(
    model: Executable, tests: Sequence[Executable], paths: Sequence[Path], skip_mismatched: bool
) -> Transfer:
    """Read weight files, one after the other, into nets by layer name.

    Args:
        model: The net that is trained.
        tests: The nets it is tested with. They have the parameters of `model`; layers that only
            they have get their values here.
        paths: The files.
        skip_mismatched: Whether layers whose shapes differ keep their values.

    Raises:
        NetdefError: A file is missing or damaged, or does not fit the net.
    """
    of_their_own = [test for test in tests if test.params.keys() - model.params.keys()]
    files: list[tuple[Path, Match]] = []
    for path in paths:
        files.append((path, load_weights(model, path, skip_mismatched)))
        for test in of_their_own:
            load_weights(test, path, skip_mismatched)
    return Transfer(tuple(files))
