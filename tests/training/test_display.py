"""What people see: lines in a file, a panel that moves on a terminal."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import netdef
from netdef.training.display import Display
from netdef.training.live import show_time, sparkline


def shown(width: int, terminal: bool, **settings: object) -> str:
    """Train to the end and return what a console of this width got."""
    solver = netdef.Solver("solver.prototxt")
    for name, value in settings.items():
        setattr(solver.settings, name, value)
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, highlight=False)
    with Display(solver, console) as display:
        solver.listeners.append(display)
        solver.solve()
        if terminal:
            display.console.print(display._state)  # pyright: ignore[reportPrivateUsage]
    return out.getvalue()


def test_lines_in_a_file(folder: Path) -> None:
    """No line is broken, whatever the width, and there is nothing to control a terminal with."""
    text = shown(20, False, log_gradient_norm=True)
    assert "\x1b" not in text
    lines = text.splitlines()
    assert lines[0].startswith("iteration 0: test net 0: accuracy = ")
    assert " (* 1 = " in lines[0]
    assert lines[1].startswith("iteration 0: loss ")
    for part in (", rate 0.1, ", " images/s, ", " left, gradient norm ", ", loss = "):
        assert part in lines[1]
    assert lines[-2] == "snapshot: out/run_iter_20.caffemodel and run_iter_20.solverstate"


@pytest.mark.parametrize("width", [100, 40, 10])
def test_a_panel_on_a_terminal(folder: Path, width: int) -> None:
    """Loss, rate, speed and the last test; it fits into any width."""
    text = shown(width, True, log_gradient_norm=True)
    assert "\x1b[?25l" in text and text.count("\x1b[?25h") == text.count("\x1b[?25l")
    if width == 100:
        panel = text[text.rindex("╭") :]
        for part in ("20 of 20", "loss ", "rate ", "images/s ", "gradient norm ", "accuracy "):
            assert part in panel.replace("\x1b[0m", "").replace("\x1b[36m", "")
        assert "at iteration 20" in panel


def test_debug_and_notes_are_lines(folder: Path) -> None:
    """What `debug_info` shows stands below its iteration, unbroken."""
    with (folder / "solver.prototxt").open("a") as file:
        file.write("debug_info: true")
    text = shown(40, False)
    assert "    [Forward] Layer fc, top blob fc data: " in text


def test_sparkline() -> None:
    """As high as the values are, at most as long as it may be, with gaps."""
    nan = float("nan")
    assert sparkline([0.0, 7.0], 10) == "▁█"
    assert sparkline([3.0, 3.0, nan], 10) == "▁▁ "
    assert sparkline([1.0, 1.0, 2.0, 2.0, 3.0], 3) == "▁▅█"
    assert sparkline([nan, float("inf")], 3) == ""
    assert len(sparkline([float(i) for i in range(511)], 40)) <= 40


def test_times() -> None:
    """Minutes and seconds, and hours when there are some."""
    assert [show_time(s) for s in (0, 59.6, 3600, 86400)] == ["0:00", "1:00", "1:00:00", "24:00:00"]
