"""Progress for people: live on a terminal, plain lines elsewhere."""

from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from netdef.training.events import Evaluation, Listener, Scores
from netdef.training.events import Progress as State


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


class Display(Listener):
    """Tells a console how training goes; use it as a context.

    On a terminal a bar moves with every iteration and the lines scroll above it. Elsewhere there
    are only the lines.
    """

    def __init__(self, max_iter: int, start: int = 0, console: Console | None = None) -> None:
        """Show progress from iteration `start` up to `max_iter`."""
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self._task: TaskID = self._bar.add_task("", total=max_iter, completed=start, status="")

    def __enter__(self) -> "Display":
        """Start the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def progress(self, progress: State) -> None:
        """Print one line, and the state beside the bar."""
        speed = progress.images / progress.seconds if progress.seconds else 0.0
        left = progress.max_iter - progress.iteration
        done = max(1, progress.done)
        seconds = progress.seconds / done * left
        outputs = f", {show_scores(progress.outputs)}" if progress.outputs else ""
        if progress.gradient_norm is not None:
            outputs = f", gradient norm {progress.gradient_norm:.6g}{outputs}"
        self.console.print(
            f"iteration {progress.iteration}: loss {progress.loss:.6g}, "
            f"rate {progress.rate:.6g}, {speed:,.0f} images/s, {_time(seconds)} left{outputs}",
            markup=False,
        )
        status = f"loss {progress.loss:.4g}, rate {progress.rate:.4g}, {speed:,.0f} images/s,"
        self._bar.update(self._task, status=status)

    def tick(self, iteration: int) -> None:
        """Move the bar."""
        if not self._bar.disable:
            self._bar.update(self._task, completed=iteration)

    def tested(self, result: Evaluation) -> None:
        """Print the scores of a test."""
        scores = show_scores(result.scores, result.loss_weights)
        self.console.print(
            f"iteration {result.iteration}: test net {result.net}: {scores}", markup=False
        )

    def snapshotted(self, weights: Path, state: Path) -> None:
        """Print where a snapshot is."""
        self.console.print(f"snapshot: {weights} and {state.name}", markup=False)

    def debugged(self, iteration: int, lines: list[str]) -> None:
        """Print the magnitudes, a line each."""
        for line in lines:
            self.console.print(f"    {line}", markup=False)

    def noticed(self, text: str) -> None:
        """Print it."""
        self.console.print(text, markup=False)


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
