"""`netdef check`."""

import click

from netdef import api
from netdef.cli.options import state_options
from netdef.cli.report import report


@click.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--phase",
    type=click.Choice(["TRAIN", "TEST"], case_sensitive=False),
    help="Check one phase only; both by default.",
)
@state_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="How to print what is found.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(
    files: tuple[str, ...],
    phase: str | None,
    level: int,
    stages: tuple[str, ...],
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    form: str,
    as_json: bool,
) -> None:
    """Find every fault in prototxt files.

    Nets are checked in both phases: names, values, connections, shapes. A fault that only one phase
    has is tagged with it. The exit code is 1 when there is an error; warnings alone give 0.
    """
    phases = (phase.upper(),) if phase else ("TRAIN", "TEST")
    found = [d for f in files for d in api.check(f, phases, level, stages, dict(shapes))]
    if as_json or form == "json":
        from netdef.source.render_json import render_json

        click.echo(render_json(found), nl=False)
    elif form == "github":
        from netdef.source.render_github import render_github

        click.echo(render_github(found), nl=False)
    else:
        report(found, err=False)
        click.echo(_verdict(files, sum(d.is_error for d in found), len(found)))
    click.get_current_context().exit(int(any(d.is_error for d in found)))


def _verdict(files: tuple[str, ...], errors: int, found: int) -> str:
    what = files[0] if len(files) == 1 else f"{len(files)} files"
    if not found:
        return f"{what}: no faults found"
    parts = []
    for number, word in ((errors, "error"), (found - errors, "warning")):
        if number:
            parts.append(f"{number} {word}{'s' if number > 1 else ''}")
    return f"{what}: {', '.join(parts)}"
