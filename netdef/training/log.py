"""Progress for programs: one JSON object per line."""

import json
import math
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from netdef.source import NetdefError, SourceFile, error
from netdef.training.events import Evaluation, Listener, Progress

if TYPE_CHECKING:
    from netdef.training.solver import Solver

LOG_NAME = "log.jsonl"
"""The name of the log in its folder."""


class JsonLog(Listener):
    """Writes a line per event; `event` tells which: progress, test, snapshot, debug or note."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`, each line at once."""
        self._out = out

    def progress(self, progress: Progress) -> None:
        """Write loss, rate, images per second and outputs."""
        speed = progress.images / progress.seconds if progress.seconds else None
        self._write(
            event="progress",
            iteration=progress.iteration,
            loss=progress.loss,
            rate=progress.rate,
            images_per_second=speed,
            gradient_norm=progress.gradient_norm,
            outputs=progress.outputs,
        )

    def tested(self, result: Evaluation) -> None:
        """Write the scores of a test."""
        self._write(
            event="test",
            iteration=result.iteration,
            net=result.net,
            scores=result.scores,
            loss_weights=result.loss_weights,
        )

    def snapshotted(self, weights: Path, state: Path) -> None:
        """Write the paths of a snapshot."""
        self._write(event="snapshot", weights=str(weights), state=str(state))

    def debugged(self, iteration: int, lines: list[str]) -> None:
        """Write the magnitudes."""
        self._write(event="debug", iteration=iteration, lines=lines)

    def noticed(self, text: str) -> None:
        """Write it."""
        self._write(event="note", text=text)

    def _write(self, **fields: Any) -> None:
        self._out.write(json.dumps(_finite(fields), allow_nan=False) + "\n")
        self._out.flush()


class LogFile(JsonLog):
    """The log of a run in a folder of its own; use it as a context.

    It begins with an event `start`: what is trained, how, where and since when. A run that goes on
    in the same folder adds a second one, and what follows it replaces what was told before of the
    same iterations.
    """

    def __init__(self, folder: Path, solver: "Solver") -> None:
        """Open FOLDER/log.jsonl for a solver that is about to begin, or to go on.

        Raises:
            NetdefError: The folder cannot be made, or the file not be written.
        """
        self.path = folder / LOG_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            super().__init__(self.path.open("a+", encoding="utf-8"))
        except OSError as fault:
            raise self._fault(fault) from None
        try:
            self._end_line()
            self._write(event="start", **header_of(solver))
        except BaseException:  # an interruption, too; it goes on below
            self._close()
            raise

    def __enter__(self) -> "LogFile":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what ended the training, if it was a fault, and close the file."""
        with suppress(NetdefError):  # the file may be what is at fault
            if isinstance(fault, NetdefError):
                for diagnostic in fault.diagnostics:
                    self.noticed(f"{diagnostic.severity}[{diagnostic.rule}]: {diagnostic.message}")
        self._close()

    def _close(self) -> None:
        with suppress(OSError):  # what could not be written was said
            self._out.close()

    def _end_line(self) -> None:
        """End the line that a process wrote at when it was killed."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - 1))
                if file.read(1) not in (b"", b"\n"):
                    self._out.write("\n")
        except OSError as fault:
            raise self._fault(fault) from None

    def _write(self, **fields: Any) -> None:
        try:
            super()._write(**fields)
        except OSError as fault:
            raise self._fault(fault) from None

    def _fault(self, fault: OSError) -> NetdefError:
        reason = fault.strerror or str(fault)
        return NetdefError(error("cannot-write", f"cannot write {self.path}: {reason}"))


def header_of(solver: "Solver") -> dict[str, Any]:
    """Return what tells one run from another: versions, files, device, seed and time."""
    return {
        "netdef": version("netdef"),
        "name": solver.model.net.name,
        "iteration": solver.iteration,
        "max_iter": solver.settings.max_iter,
        "seed": solver.seed,
        "device": str(solver.model.device),
        "precision": solver.model.precision,
        "workers": solver.workers.count,
        "images_per_iteration": solver.images_per_pass * solver.settings.iter_size,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "solver": _text_of(solver.source.file),
        "net": _text_of(solver.source.train.bound.document.file),
    }


def _text_of(file: SourceFile) -> dict[str, str]:
    return {"path": file.path, "text": file.text}


def _finite(value: Any) -> Any:
    """Return a value with null for every NaN and infinity, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list) else value
