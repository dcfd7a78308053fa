"""From a log to the history of its run."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from netdef.source import NetdefError, error
from netdef.training.caffe_log import CaffeLog
from netdef.training.history import History, elements
from netdef.training.log import LOG_NAME

_NOTE = "`netdef train --log DIR`, `netdef train --json` and Caffe write logs that can be drawn"


def read_history(path: str | Path, name: str | None = None) -> History:
    """Return the history of the run that a log tells of.

    A log holds what `netdef train --log` or `--json` wrote, or Caffe; lines in between that tell
    nothing are skipped. A folder stands for the log.jsonl in it. If a log tells of several runs,
    each begins where it takes up the one before it, and the last account of an iteration holds.

    Args:
        path: The log.
        name: What the run is called; by default after the file, or after its folder.

    Raises:
        NetdefError: The file cannot be read, or is no log, or one that tells nothing.
    """
    path = Path(path)
    if path.is_dir():
        path = path / LOG_NAME
    if name is None:
        name = path.resolve().parent.name if path.name == LOG_NAME else path.stem
    history = History(name)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            known = _read(file, history)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise NetdefError(error("missing-file", f"cannot read {path}: {reason}")) from None
    if not known:
        text = f"{path} is no log of a training, neither netdef's nor Caffe's"
        raise NetdefError(error("not-a-log", text, note=_NOTE))
    if history.empty:
        text = f"{path} tells of no loss, rate or test, so there is nothing to draw"
        note = "how often a training tells is said by `display` and `test_interval` of its solver"
        raise NetdefError(error("empty-log", text, note=note))
    return history


def _read(lines: Iterable[str], history: History) -> bool:
    """Return whether any line was one of a log."""
    json_log, caffe_log = _JsonLog(history), CaffeLog(history)
    known = False
    for line in lines:
        taken = json_log.take(line) if line.startswith("{") else caffe_log.take(line)
        known = known or taken
    caffe_log.end()
    return known


class _JsonLog:
    """Takes lines that `netdef.training.log` wrote, and puts what they tell into a history."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._iteration = 0
        self._events = {"start": self._start, "progress": self._progress, "test": self._test}

    def take(self, line: str) -> bool:
        """Return whether a line told of an event; one that a killed process left is skipped."""
        try:
            event = json.loads(line)
            take = self._events.get(event["event"])
            if take is not None:
                take(event)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False
        return True

    def _start(self, event: dict[str, Any]) -> None:
        self._history.rewind(int(event["iteration"]))
        self._iteration = int(event["iteration"])

    def _progress(self, event: dict[str, Any]) -> None:
        iteration = self._go_to(event)
        for name, key in (
            ("loss", "loss"),
            ("rate", "rate"),
            ("gradient-norm", "gradient_norm"),
            ("speed", "images_per_second"),
        ):
            if event.get(key) is not None or name == "loss":
                self._history.measure(name, iteration, _value(event[key]))
        for name, value in elements(event.get("outputs", {})):
            self._history.output(name, iteration, _value(value))

    def _test(self, event: dict[str, Any]) -> None:
        iteration = self._go_to(event)
        self._history.losses.update(event.get("loss_weights", {}))
        for name, value in elements(event["scores"]):
            self._history.score(int(event["net"]), name, iteration, _value(value))

    def _go_to(self, event: dict[str, Any]) -> int:
        iteration = int(event["iteration"])
        if iteration < self._iteration:  # another run was added without a start
            self._history.rewind(iteration)
        self._iteration = iteration
        return iteration


def _value(value: float | None) -> float:
    return float("nan") if value is None else float(value)
