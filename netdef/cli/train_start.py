"""What `netdef train` says before it trains: where the weights come from, what is trained."""

import json
from pathlib import Path
from typing import Any

import click

from netdef.cli.report import report
from netdef.cli.transfer_text import match_as_dict, transfer_lines
from netdef.training.freeze import count_parameters
from netdef.training.solver import Solver


def tell_start(solver: Solver, as_json: bool) -> None:
    """Print what the train net got from weight files, and how much of it is trained.

    Both only where there is something to say: files were read, parameters are frozen.
    """
    for _, match in solver.transferred.files:
        report(match.diagnostics)
    trained, frozen = count_parameters(solver.model)
    if as_json:
        for path, match in solver.transferred.files:
            _write({"event": "weights", **match_as_dict(path, match)})
        if frozen:
            _write({"event": "parameters", "trained": trained, "frozen": frozen})
        return
    for line in transfer_lines(solver.transferred):
        click.echo(line)
    if frozen:
        click.echo(f"parameters: {trained:,} trained, {frozen:,} frozen")


def tell_resumed(solver: Solver, path: Path, as_json: bool) -> None:
    """Print which snapshot the training goes on from."""
    if as_json:
        _write({"event": "resumed", "state": str(path), "iteration": solver.iteration})
    else:
        click.echo(f"going on from {path}, iteration {solver.iteration}")


def _write(event: dict[str, Any]) -> None:
    click.echo(json.dumps(event))
