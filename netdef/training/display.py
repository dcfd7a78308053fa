"""Progress for people: live on a terminal, plain lines elsewhere."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from netdef.training.events import Evaluation, Listener, Progress, Scores
from netdef.training.live import LiveState, show_time

if TYPE_CHECKING:
    from netdef.training.solver import Solver


def show_scores(scores: Scores, weights: dict[str, float] | None = None) -> str:
    """Return scores as one line: `accuracy = 0.98, loss = 0.05 (* 1 = 0.05)`."""
    parts: list[str] = []
    for name, values in scores.items():
        for index, value in enumerate(values):
            label = name if len(values) == 1 else f"{name}[{index}]"
            weight = (weights or {}).get(name)
            loss = f" (* {weight:g} = {weight * value:.6g})" if weight is not None else ""
            parts.append(f"{label} = {value:.6g}{loss}")
    return ", ".join(parts)


_REFRESH = 2
"""Times a second that the panel is drawn; each takes about two thousandths of one."""


class Display(Listener):
    """Tells a console how training goes; use it as a context.

    On a terminal a panel moves with every iteration and the lines scroll above it. Elsewhere there
    are only the lines.
    """

    def __init__(self, solver: "Solver", console: Console | None = None) -> None:
        """Show a solver that is about to begin, or to go on."""
        self.console = console or Console(highlight=False)
        # A terminal breaks lines between words; in a file, a line stays one.
        self.console.soft_wrap = not self.console.is_terminal
        self._state: LiveState | None = None
        self._live: Live | None = None
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self._state = LiveState(solver)
            self._live = Live(
                self._state, console=self.console, transient=True, refresh_per_second=_REFRESH
            )

    def __enter__(self) -> "Display":
        """Start the panel."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the panel away."""
        if self._live is not None:
            self._live.stop()

    def progress(self, progress: Progress) -> None:
        """Print one line."""
        speed = progress.images / progress.seconds if progress.seconds else 0.0
        left = progress.max_iter - progress.iteration
        done = max(1, progress.done)
        seconds = progress.seconds / done * left
        outputs = f", {show_scores(progress.outputs)}" if progress.outputs else ""
        if progress.gradient_norm is not None:
            outputs = f", gradient norm {progress.gradient_norm:.6g}{outputs}"
        self.console.print(
            f"iteration {progress.iteration}: loss {progress.loss:.6g}, "
            f"rate {progress.rate:.6g}, {speed:,.0f} images/s, {show_time(seconds)} left{outputs}",
            markup=False,
        )
        if self._state is not None:
            self._state.gradient_norm = progress.gradient_norm

    def tick(self, iteration: int) -> None:
        """Move the panel."""
        if self._state is not None:
            self._state.tick(iteration)

    def tested(self, result: Evaluation) -> None:
        """Print the scores of a test."""
        if self._state is not None:
            self._state.tests[result.net] = result
            self._state.pause()
        scores = show_scores(result.scores, result.loss_weights)
        self.console.print(
            f"iteration {result.iteration}: test net {result.net}: {scores}",
            markup=False,
            style="bold",
        )

    def snapshotted(self, weights: Path, state: Path) -> None:
        """Print where a snapshot is."""
        if self._state is not None:
            self._state.pause()
        self.console.print(f"snapshot: {weights} and {state.name}", markup=False, style="dim")

    def debugged(self, iteration: int, lines: list[str]) -> None:
        """Print the magnitudes, a line each."""
        for line in lines:
            self.console.print(f"    {line}", markup=False, style="dim")

    def noticed(self, text: str) -> None:
        """Print it."""
        self.console.print(text, markup=False, style="yellow")
