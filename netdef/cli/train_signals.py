"""What signals do to a training."""

import signal
from types import FrameType, TracebackType
from typing import Any

_STOPPING = (signal.SIGINT, signal.SIGTERM)


class TrainingSignals:
    """While this context is entered, signals are for the solver.

    SIGINT and SIGTERM end the training after the iteration under way, SIGHUP (where the system has
    it) makes a snapshot after it. SIGINT after one of them ends at once. SIGTERM may come several
    times, since schedulers send it to a process and to its parent, which passes it on.
    """

    def __init__(self, solver: Any) -> None:
        """Prepare for a solver."""
        self._solver = solver
        self._received = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "TrainingSignals":
        """Take the signals."""
        for number in _STOPPING:
            self._before[number] = signal.signal(number, self._stop)
        if hasattr(signal, "SIGHUP"):
            self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._snapshot)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def received(self) -> int:
        """Return the signal that one of the workers was stopped by; 0 if none was. All must ask."""
        for number in _STOPPING:
            if self._solver.workers.any(self._received == number):
                return number
        return 0

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._received and number == signal.SIGINT:
            # An exception, so that half-written files are removed and the terminal is put right;
            # whoever insists once more ends what does not heed that either.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            raise KeyboardInterrupt
        self._received = self._received or number
        self._solver.stop()

    def _snapshot(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._solver.request_snapshot()
