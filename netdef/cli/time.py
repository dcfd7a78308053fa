"""`netdef time`."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef import api
from netdef.cli.options import device_options, engine_option, net_options, weight_files
from netdef.cli.report import report
from netdef.cli.table import print_table
from netdef.source import replacing

if TYPE_CHECKING:
    from netdef.timing.timing import Timing
    from netdef.torch_backend.executable import Executable

_FORMATS = (".json", ".svg")


@click.command("time")
@click.argument("model", type=click.Path())
@weight_files("Weights, by layer name; few layers take longer or shorter with them.")
@click.option(
    "--iterations",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Passes to measure, after three that are not.",
)
@net_options
@device_options()
@engine_option("torch", "optimized", "compiled", "onnxruntime", default="torch")
@click.option("--optimized", is_flag=True, help="The same as --engine optimized.")
@click.option("--compile", "compiled", is_flag=True, help="Compile whole passes by torch.compile.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write, too: .json or .svg."
)
def command(
    model: str,
    weights: list[str],
    iterations: int,
    state: dict[str, Any],
    device: str | None,
    precision: str,
    engine: str,
    optimized: bool,
    compiled: bool,
    as_json: bool,
    output: Path | None,
) -> None:
    """Measure how long each layer of a net takes, forward and backward.

    No data are needed: the inputs are random images and labels of 0. Layers are run in turn, one at
    a time, each on what those before it made; whole passes are measured apart. The times are
    medians; on a GPU its own clock takes them.

    Engines other than torch are for inference, so that only the forward pass is timed: `optimized`
    is a folded copy, `compiled` that copy through torch.compile with frozen parameters.
    `onnxruntime` does not tell its layers apart.
    """
    if output is not None and output.suffix not in _FORMATS:
        raise click.UsageError(f"{output} does not end in {' or '.join(_FORMATS)}")
    engine = _engine(engine, optimized, compiled, device, output)
    net = api.load(model, **state)
    report(net.diagnostics)
    program = api.compile(net, None, device, precision)
    for path in weights:
        program.load_weights(path)
    timing = _measured(program, engine, iterations, compiled)
    _show(timing, as_json)
    if output is not None:
        _write(timing, output)
        click.echo(f"times: {output}", err=as_json)


def _engine(
    engine: str, optimized: bool, compiled: bool, device: str | None, output: Path | None
) -> str:
    """Return the engine that the options mean.

    Raises:
        click.UsageError: They contradict each other.
    """
    if optimized and engine not in ("torch", "optimized"):
        raise click.UsageError(f"--optimized is an engine of its own, not {engine}")
    if engine == "onnxruntime":
        if compiled:
            raise click.UsageError("--compile is for torch's engines")
        if device not in (None, "cpu"):
            raise click.UsageError("the engine onnxruntime runs on the CPU")
        if output is not None and output.suffix == ".svg":
            raise click.UsageError("a chart shows layers, which onnxruntime does not tell apart")
    return "optimized" if optimized else engine


def _measured(program: "Executable", engine: str, iterations: int, compiled: bool) -> "Timing":
    from netdef.engines import FREEZING, engine_of, for_inference
    from netdef.timing.inputs import make_inputs
    from netdef.timing.measure import measure, measure_whole

    if engine == "onnxruntime":
        inputs = make_inputs(program.net)
        return measure_whole(engine_of(program, engine), program, inputs, iterations, engine)
    program = for_inference(program, engine)
    program.use_channels_last()
    inputs = make_inputs(program.net)
    options = {} if compiled else None
    if engine == "compiled":
        options = FREEZING
    timing = measure(program, inputs, iterations, engine == "torch", options)
    return replace(timing, engine=engine)


def _show(timing: "Timing", as_json: bool) -> None:
    from netdef.analysis import table_lines
    from netdef.timing.columns import columns, headline, notes
    from netdef.timing.to_dict import to_dict

    if as_json:
        click.echo(json.dumps(to_dict(timing), indent=2))
    elif not timing.layers:
        click.echo("\n".join([headline(timing), "", *notes(timing)]))
    elif sys.stdout.isatty():
        print_table(headline(timing), columns(timing), notes(timing))
    else:
        lines = [headline(timing), "", *table_lines(columns(timing)), "", *notes(timing)]
        click.echo("\n".join(lines))


def _write(timing: "Timing", path: Path) -> None:
    if path.suffix == ".svg":
        from netdef.timing.chart import write_chart

        write_chart(timing, path)
        return
    from netdef.timing.to_dict import to_dict

    with replacing(path) as temporary:
        Path(temporary).write_text(json.dumps(to_dict(timing), indent=2) + "\n", encoding="utf-8")
