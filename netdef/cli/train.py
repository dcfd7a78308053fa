"""`netdef train`."""

import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Any

import click

from netdef.cli.options import allow_python, device_options, weight_files
from netdef.cli.report import report
from netdef.cli.run_log import log_into
from netdef.cli.train_signals import TrainingSignals

if TYPE_CHECKING:
    from netdef.data.bad_records import OnBadRecord

_AUTO = "auto"


@click.command("train")
@click.argument("files", metavar="[MODEL] SOLVER", nargs=-1, type=click.Path())
@weight_files("Start from these weights, by layer name, in place of the solver's `weights`.")
@click.option(
    "--skip-mismatched",
    is_flag=True,
    help="Leave layers whose shapes differ in the weight files as they are; otherwise an error.",
)
@click.option(
    "--freeze",
    metavar="PATTERN",
    multiple=True,
    help="Do not train the layers called like this: conv1, 'res*'. Repeatable.",
)
@click.option(
    "--resume",
    metavar=f"FILE|{_AUTO}",
    help="Go on from this .solverstate file; auto: from the newest that can be used, if any.",
)
@device_options("as the solver says")
@click.option("--compile", "compiled", is_flag=True, help="Let torch.compile make the programs.")
@click.option(
    "--compile-mode",
    type=click.Choice(["default", "reduce-overhead", "max-autotune"]),
    help="--compile in this mode; reduce-overhead replays CUDA graphs, for small nets on a GPU.",
)
@click.option(
    "--accumulate",
    metavar="N",
    type=click.IntRange(min=1),
    help="Passes per iteration, in place of iter_size.",
)
@click.option("--iterations", type=int, help="Train this long, in place of max_iter.")
@click.option(
    "--on-bad-record",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="skip: instead of a damaged record of a database take the next good one, with a warning.",
)
@allow_python
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option(
    "--curve", type=click.Path(), help="Where to draw the learning curve: .svg, .png or .pdf."
)
@click.option(
    "--log",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Write JSON lines (log.jsonl, for `netdef plot`) and events for TensorBoard into DIR.",
)
def command(
    files: tuple[str, ...],
    weights: list[str],
    skip_mismatched: bool,
    freeze: tuple[str, ...],
    resume: str | None,
    device: str | None,
    precision: str,
    compiled: bool,
    compile_mode: str | None,
    accumulate: int | None,
    iterations: int | None,
    on_bad_record: "OnBadRecord",
    allow_python: bool,
    as_json: bool,
    curve: str | None,
    log: str | None,
) -> None:
    """Train a net as a solver file says.

    MODEL, when given, replaces the net that SOLVER names. Snapshots are written as the solver says.
    At the end the learning curve is drawn beside the snapshots.

    SIGINT (Ctrl-C) and SIGTERM end the training after the iteration under way and a snapshot, with
    the exit codes 130 and 143; SIGINT twice ends it at once. After SIGHUP it writes a snapshot and
    goes on.

    Several processes train one net on as many GPUs or machines when torchrun starts them: `torchrun
    --nproc-per-node 4 -m netdef train SOLVER`. Each takes batches of the net's size, of records of
    its own, so that one iteration learns from four times as many.
    """
    if len(files) not in (1, 2):
        raise click.UsageError("give SOLVER, or MODEL and SOLVER")
    if weights and resume not in (None, _AUTO):
        raise click.UsageError("--weights and --resume FILE exclude each other")
    from netdef.training.curve import format_of_curve
    from netdef.training.distributed import joined
    from netdef.training.solver import Solver

    if curve:
        format_of_curve(curve)  # before anything else, so that a slip costs nothing
    make = partial(
        Solver,
        files[-1],
        files[0] if len(files) == 2 else None,
        device,
        precision,
        allow_python=allow_python,
        compiled=compile_mode or compiled,
        freeze=freeze,
        weights=weights or None,
        skip_mismatched=skip_mismatched,
        on_bad_record=on_bad_record,
    )
    changes = {"max_iter": iterations, "iter_size": accumulate}
    with joined():
        # In a function of its own, so that nothing of it is left when the processes part.
        signal = _train(make, changes, resume, log, curve, as_json)
    if signal:
        sys.exit(128 + signal)


def _train(
    make: Callable[..., Any],
    changes: dict[str, int | None],
    resume: str | None,
    log: str | None,
    curve: str | None,
    as_json: bool,
) -> int:
    """Make the solver and train; return the number of the signal that stopped it, or 0."""
    from netdef.training.curve import draw_curves
    from netdef.training.history import History

    drawn = History()
    solver = make(listeners=[drawn])
    for field, value in changes.items():
        if value is not None:
            setattr(solver.settings, field, value)
    _begin(solver, resume, as_json)
    signal = _solve(solver, log, as_json)
    if signal:
        if solver.workers.first:
            done = f"after {solver.iteration} iterations"
            click.echo(f"stopped by {Signals(signal).name} {done}", err=True)
    elif not drawn.empty:
        path = Path(curve) if curve else Path(f"{solver.prefix}_curve.svg")
        file = solver.model.net.file
        draw_curves([drawn], path, title=solver.model.net.name or Path(file.path).stem)
        if not as_json:
            click.echo(f"learning curve: {path}")
    return signal


def _begin(solver: Any, resume: str | None, as_json: bool) -> None:
    """Restore what is to be restored, and say what the training starts from."""
    from netdef.cli.train_start import tell_resumed, tell_start
    from netdef.training.resuming import resume_newest

    first = solver.workers.first
    if first:
        report(solver.diagnostics)
        tell_start(solver, as_json)
    if resume is None:
        return
    if resume == _AUTO:
        path, warnings = resume_newest(solver)
    else:
        path, warnings = Path(resume), []
        solver.restore(path)
    if first:
        report(warnings)
        if path is not None:
            tell_resumed(solver, path, as_json)


def _solve(solver: Any, log: str | None, as_json: bool) -> int:
    """Train to the end, or until a signal: then make a snapshot and return its number; else 0."""
    with ExitStack() as stack:
        if log and solver.workers.first:
            log_into(Path(log), solver, stack)
        solver.listeners.append(stack.enter_context(_display(solver, as_json)))
        signals = stack.enter_context(TrainingSignals(solver))
        solver.solve()
        number = signals.received()
        if number:
            solver.snapshot()
        return number


def _display(solver: Any, as_json: bool) -> Any:
    if not solver.workers.first:
        from netdef.training.events import Listener

        return nullcontext(Listener())
    if as_json:
        from netdef.training.log import JsonLog

        return nullcontext(JsonLog(sys.stdout))
    from netdef.training.display import Display

    return Display(solver)
