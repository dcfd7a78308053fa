"""`netdef plot`."""

from collections import Counter
from pathlib import Path

import click


class _Names(click.ParamType):
    """Names with commas between them."""

    name = "NAME,..."

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names."""
        del param, ctx
        return tuple(name.strip() for name in value.split(",") if name.strip())


@click.command("plot")
@click.argument("logs", metavar="LOG...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "--output",
    default="curve.svg",
    show_default=True,
    type=click.Path(),
    help="File to write: .svg, .png or .pdf.",
)
@click.option(
    "--what",
    multiple=True,
    type=_Names(),
    help="What to draw, a panel each: loss, accuracy (all scores that are no loss), rate, "
    "gradient-norm, speed, or the name of an output. By default loss and accuracy.",
)
@click.option(
    "--smooth",
    default=1,
    type=click.IntRange(min=1),
    metavar="N",
    help="Draw the mean of the last N training values; what was told stays behind it, faintly.",
)
@click.option("--log-y", is_flag=True, help="Logarithmic scales, but for accuracy.")
@click.option("--title", help="What stands above; by default the name of a single run.")
def command(
    logs: tuple[str, ...],
    output: str,
    what: tuple[tuple[str, ...], ...],
    smooth: int,
    log_y: bool,
    title: str | None,
) -> None:
    """Draw the learning curves of one or many runs.

    A LOG is what `netdef train --log DIR` wrote (DIR, or the log.jsonl in it), the output of
    `netdef train --json`, or the log of Caffe, of any age. Several runs have a colour each.
    """
    from netdef.training.curve import draw_curves, format_of_curve
    from netdef.training.read_log import read_history

    format_of_curve(output)  # before anything else, so that a slip costs nothing
    histories = [read_history(log) for log in logs]
    names = Counter(history.name for history in histories)
    for history, log in zip(histories, logs, strict=True):
        if names[history.name] > 1:
            history.name = str(Path(log))
    draw_curves(histories, output, [n for part in what for n in part], smooth, log_y, title)
    click.echo(f"curve: {output}")
