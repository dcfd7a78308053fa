"""What `netdef train --log` writes into its folder."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from netdef.cli.report import report
from netdef.source import NetdefError, Severity, warning


def log_into(folder: Path, solver: Any, stack: ExitStack) -> None:
    """Let a solver that is about to begin, or to go on, log into a folder until `stack` closes.

    What keeps only the events for TensorBoard, or the net's picture, from being written is a
    warning.

    Raises:
        NetdefError: The folder cannot be made, or the log not be written.
    """
    from netdef.training.log import LogFile

    solver.settings.log_gradient_norm = True
    solver.listeners.append(stack.enter_context(LogFile(folder, solver)))
    from netdef.training import tensorboard

    if not tensorboard.installed():
        text = "no events for TensorBoard are written: the package `tensorboard` is missing"
        note = "install it with: pip install 'netdef[tensorboard]'"
        report([warning("missing-package", text, note=note)])
        return
    events = stack.enter_context(tensorboard.TensorBoard(folder, solver))
    solver.listeners.append(events)
    _draw(events, solver)


def _draw(events: Any, solver: Any) -> None:
    from netdef.drawing import draw

    try:
        fits = events.draw(draw(solver.model.net, "png"))
    except NetdefError as fault:
        report(replace(d, severity=Severity.WARNING) for d in fault.diagnostics)
        return
    if not fits:
        text = "the drawing of the net is too large for TensorBoard"
        note = "`netdef draw` writes it as SVG"
        report([warning("drawing-failed", text, note=note)])
