"""The part of a terminal that moves while a net is trained."""

import time
from collections import deque
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from netdef.training.events import Evaluation
from netdef.training.history import elements

if TYPE_CHECKING:
    from netdef.training.solver import Solver

_LOOK_EVERY = 0.5
"""Seconds after which the loss is looked at again: on a GPU, looking makes it wait."""
_RECENT = 50
"""Iterations that the speed is the mean of."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_MOST_LOSSES = 512
"""Losses kept for the small curve; beyond, two become one."""


class LiveState:
    """How training goes right now; drawn as a panel whenever the terminal asks.

    Attributes:
        iteration: Iterations done.
        gradient_norm: The last one told, None without.
        tests: The last test of each test net.
    """

    def __init__(self, solver: "Solver") -> None:
        """Show a solver that is about to begin, or to go on."""
        self._solver = solver
        self._name = solver.model.net.name or "training"
        self._images = solver.images_per_pass * solver.settings.iter_size
        self._max_iter: int = solver.settings.max_iter
        self.iteration = self._first = solver.iteration
        self.gradient_norm: float | None = None
        self.tests: dict[int, Evaluation] = {}
        self._started = self._looked = 0.0
        self._tick: float | None = None
        self._durations: deque[float] = deque(maxlen=_RECENT)
        self._loss = float("nan")
        self._losses: list[float] = []

    def tick(self, iteration: int) -> None:
        """Take an iteration that was done; now and then, look at the loss."""
        now = time.perf_counter()
        self.iteration = iteration
        if not self._started:
            # The first iteration prepares what the others use: it says little of the time left.
            self._started, self._first = now, iteration
        if self._tick is not None:
            self._durations.append(now - self._tick)
        self._tick = now
        if now - self._looked > _LOOK_EVERY:
            self._looked = now
            self._look()

    def pause(self) -> None:
        """Leave the time from the last iteration to the next out of the speed."""
        self._tick = None

    @property
    def speed(self) -> float | None:
        """Images learned from per second, of late; None when unknown."""
        return self._images * len(self._durations) / sum(self._durations or (1,)) or None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end, tests and snapshots included; None when unknown."""
        done = self.iteration - self._first
        if done <= 0:
            return None
        spent = time.perf_counter() - self._started
        return spent / done * max(0, self._max_iter - self.iteration)

    def _look(self) -> None:
        self._loss = self._solver.loss
        self._losses.append(self._loss)
        if len(self._losses) > _MOST_LOSSES:
            pairs = zip(self._losses[::2], self._losses[1::2], strict=False)
            self._losses = [(a + b) / 2 for a, b in pairs]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the panel."""
        rows = [self._bar(), self._numbers()]
        rows += [self._scores(net, test) for net, test in sorted(self.tests.items())]
        width = min(options.max_width, console.width)
        if console.encoding.startswith("utf") and len(self._losses) > 1:
            rows[1:1] = [Text(sparkline(self._losses, width - 4), "blue", no_wrap=True)]
        yield Panel(Group(*rows), title=Text(self._name, "bold"), title_align="left", width=width)

    def _bar(self) -> Table:
        left = self.seconds_left
        row = Table.grid(expand=True, padding=(0, 1))
        row.add_column(ratio=1)
        row.add_column(no_wrap=True)
        row.add_column(no_wrap=True, justify="right", min_width=12)
        share = f"{self.iteration:,} of {self._max_iter:,}"
        bar = ProgressBar(total=max(1, self._max_iter), completed=self.iteration)
        row.add_row(bar, share, "" if left is None else f"{show_time(left)} left")
        return row

    def _numbers(self) -> Text:
        parts = [("loss", f"{self._loss:.4g}"), ("rate", f"{self._solver.rate:.4g}")]
        if self.speed is not None:
            parts.append(("images/s", f"{self.speed:,.0f}"))
        if self.gradient_norm is not None:
            parts.append(("gradient norm", f"{self.gradient_norm:.4g}"))
        return _labelled(parts)

    def _scores(self, net: int, test: Evaluation) -> Text:
        label = "test" if len(self.tests) == 1 else f"test net {net}"
        parts = [(name, f"{value:.4g}") for name, value in elements(test.scores)]
        return Text.assemble(
            (f"{label}   ", "bold"),
            _labelled(parts),
            (f"   at iteration {test.iteration:,}", "dim"),
        )


def _labelled(parts: list[tuple[str, str]]) -> Text:
    shown = [Text.assemble((f"{name} ", "dim"), (value, "cyan")) for name, value in parts]
    return Text("   ").join(shown)


def sparkline(values: list[float], width: int) -> str:
    """Return a curve one line high, at most `width` letters long; a gap where a value is NaN."""
    count = max(1, -(-len(values) // max(1, width)))
    means = [
        sum(part) / len(part)
        for part in (values[i : i + count] for i in range(0, len(values), count))
    ]
    finite = [mean for mean in means if abs(mean) < float("inf")]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    step = (high - low) / (len(_BLOCKS) - 1) or 1.0
    return "".join(
        _BLOCKS[round((mean - low) / step)] if abs(mean) < float("inf") else " " for mean in means
    )


def show_time(seconds: float) -> str:
    """Return a duration as 4:05 or 1:04:05."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
