"""`netdef train`."""

import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from netdef.cli.options import allow_python
from netdef.cli.report import report


@click.command("train")
@click.argument("files", metavar="[MODEL] SOLVER", nargs=-1, type=click.Path())
@click.option("--weights", type=click.Path(), help="Start from these weights, by layer name.")
@click.option("--resume", type=click.Path(), help="Go on from this .solverstate file.")
@click.option("--device", help="cpu, cuda or cuda:1; by default as the solver says.")
@click.option(
    "--precision",
    type=click.Choice(["fp32", "tf32", "bf16", "fp16"]),
    default="fp32",
    show_default=True,
    help="How exactly to compute.",
)
@click.option("--iterations", type=int, help="Train this long, in place of max_iter.")
@allow_python
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option("--curve", type=click.Path(), help="Where to draw the learning curve (SVG).")
def command(
    files: tuple[str, ...],
    weights: str | None,
    resume: str | None,
    device: str | None,
    precision: str,
    iterations: int | None,
    allow_python: bool,
    as_json: bool,
    curve: str | None,
) -> None:
    """Train a net as a solver file says.

    MODEL, when given, replaces the net that SOLVER names. Snapshots are written as the solver says;
    when interrupted, one more is written first. At the end the learning curve is drawn beside the
    snapshots.
    """
    if len(files) not in (1, 2):
        raise click.UsageError("give SOLVER, or MODEL and SOLVER")
    if weights and resume:
        raise click.UsageError("--weights and --resume exclude each other")
    from netdef.training.curve import Curve
    from netdef.training.solver import Solver

    drawn = Curve()
    model = files[0] if len(files) == 2 else None
    solver = Solver(files[-1], model, device, precision, [drawn], allow_python)
    if iterations is not None:
        solver.settings.max_iter = iterations
    report(solver.diagnostics)
    if weights:
        solver.model.load_weights(weights)
    if resume:
        solver.restore(resume)
    with _display(solver, as_json) as listener:
        solver.listeners.append(listener)
        _solve(solver)
    if not drawn.empty:
        path = Path(curve) if curve else Path(f"{solver.prefix}_curve.svg")
        drawn.write(path, solver.model.net.name or Path(files[0]).stem)
        if not as_json:
            click.echo(f"learning curve: {path}")


def _display(solver: Any, as_json: bool) -> Any:
    if as_json:
        from netdef.training.log import JsonLog

        return nullcontext(JsonLog(sys.stdout))
    from netdef.training.display import Display

    return Display(solver.settings.max_iter, solver.iteration)


def _solve(solver: Any) -> None:
    """Train to the end; when interrupted, finish the iteration, write a snapshot, end with 130.

    Interrupting once more ends at once.
    """

    def interrupt(number: int, frame: Any) -> None:
        del frame
        solver.stop()
        signal.signal(number, signal.SIG_DFL)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        solver.solve()
        interrupted = signal.getsignal(signal.SIGINT) is not interrupt
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        solver.snapshot()
        raise KeyboardInterrupt
