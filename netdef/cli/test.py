"""`netdef test`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef import api
from netdef.cli.options import device_options, engine_option, net_options, weight_files
from netdef.cli.report import report

if TYPE_CHECKING:
    from netdef.training.events import Evaluation
    from netdef.training.transfer import Transfer


@click.command("test")
@click.argument("model", type=click.Path())
@weight_files("Weights to test, by layer name.", required=True)
@click.option(
    "--iterations",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Batches to test on.",
)
@net_options
@device_options()
@engine_option("torch", "optimized", "compiled", default="torch")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    model: str,
    weights: list[str],
    iterations: int,
    state: dict[str, Any],
    device: str | None,
    precision: str,
    engine: str,
    as_json: bool,
) -> None:
    """Test a net on batches of its own data layers.

    Printed is the mean of every element of every output, and of the losses their part in the
    objective. Under torchrun the batches are shared out among the processes. Every engine gives the
    same numbers up to rounding; `compiled` takes a while to begin, and pays for many batches.
    """
    from netdef.engines import FREEZING, for_inference
    from netdef.engines.torch_engine import compiler_faults
    from netdef.torch_backend.device import choose_device
    from netdef.torch_backend.executable import Executable
    from netdef.training.distributed import joined
    from netdef.training.testing import run_test
    from netdef.training.transfer import transfer
    from netdef.training.workers import Workers

    with joined():
        workers = Workers()
        net = api.load(model, **state)
        if workers.first:
            # That a source is missing is said, as an error, when the data is opened.
            report(d for d in net.diagnostics if d.rule != "missing-source")
        program = Executable(net, workers.device(choose_device(device)), precision)
        given = transfer(program, (), list(map(Path, weights)), skip_mismatched=False)
        program = for_inference(program, engine)
        program.use_channels_last()
        if engine == "compiled":
            program.use_compiler(**FREEZING)
        with compiler_faults():
            result = run_test(program, iterations)
    if workers.first:
        _show(given, result, iterations, as_json)


def _show(given: "Transfer", result: "Evaluation", iterations: int, as_json: bool) -> None:
    from netdef.cli.transfer_text import match_as_dict, transfer_lines
    from netdef.training.display import show_scores

    for _, match in given.files:
        report(match.diagnostics)
    if as_json:
        fields = {
            "weights": [match_as_dict(path, match) for path, match in given.files],
            "iterations": iterations,
            "scores": result.scores,
            "loss_weights": result.loss_weights,
            "objective": result.objective,
        }
        click.echo(json.dumps(fields, indent=2))
        return
    for line in transfer_lines(given):
        click.echo(line)
    click.echo(f"means over {iterations} batches:")
    for name, values in result.scores.items():
        click.echo(f"  {show_scores({name: values}, result.loss_weights)}")
    if result.objective is not None:
        click.echo(f"  objective: {result.objective:.6g}")
