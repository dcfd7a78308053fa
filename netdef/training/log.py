"""Progress for programs: one JSON object per line."""

import json
from pathlib import Path
from typing import Any, TextIO

from netdef.training.events import Evaluation, Listener, Progress


class JsonLog(Listener):
    """Writes a line per event; `event` tells which: progress, test or snapshot."""

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
        self._write(event="test", iteration=result.iteration, net=result.net, scores=result.scores)

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
        self._out.write(json.dumps(fields) + "\n")
        self._out.flush()
