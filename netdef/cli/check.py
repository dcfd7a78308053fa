"""`netdef check`."""

from collections import Counter
from typing import Any

import click

from netdef import api
from netdef.cli.options import state_options
from netdef.cli.report import report
from netdef.source import Severity


def _list(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from netdef.source.rules import list_rules

        click.echo(list_rules(), nl=False)
        ctx.exit()


def _explain(ctx: click.Context, option: click.Parameter, name: str | None) -> None:
    if name is None:
        return
    from netdef.source.rules import explain, rules
    from netdef.source.suggest import did_you_mean

    if name not in rules():
        near = did_you_mean(name, rules()) or "`netdef check --rules` lists them"
        raise click.BadParameter(f"there is no rule `{name}`; {near}", ctx, option)
    click.echo(explain(rules()[name]), nl=False)
    ctx.exit()


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
@click.option("--no-hints", is_flag=True, help="Leave out hints: what is no fault, but odd.")
@click.option(
    "--rules",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="List the rules that messages name, and exit.",
)
@click.option(
    "--explain",
    metavar="RULE",
    is_eager=True,
    expose_value=False,
    callback=_explain,
    help="Explain a rule, with an example, and exit.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(
    files: tuple[str, ...],
    phase: str | None,
    form: str,
    as_json: bool,
    no_hints: bool,
    state: dict[str, Any],
) -> None:
    """Find every fault in prototxt files.

    Nets are checked in both phases: names, values, connections, shapes. A fault that only one phase
    has is tagged with it. A net without errors also gets hints: what is no fault, but could be
    better. The exit code is 1 when there is an error; warnings and hints alone give 0.
    """
    phases = (phase.upper(),) if phase else None
    found = [d for f in files for d in api.check(f, phases, hints=not no_hints, **state)]
    if as_json or form == "json":
        from netdef.source.render_json import render_json

        click.echo(render_json(found), nl=False)
    elif form == "github":
        from netdef.source.render_github import render_github

        click.echo(render_github(found), nl=False)
    else:
        report(found, err=False)
        click.echo(_verdict(files, Counter(d.severity for d in found)))
    click.get_current_context().exit(int(any(d.is_error for d in found)))


def _verdict(files: tuple[str, ...], found: Counter[Severity]) -> str:
    what = files[0] if len(files) == 1 else f"{len(files)} files"
    parts = [
        f"{found[severity]} {severity}{'s' if found[severity] > 1 else ''}"
        for severity in Severity
        if found[severity]
    ]
    if found[Severity.ERROR] or found[Severity.WARNING]:
        return f"{what}: {', '.join(parts)}"
    return f"{what}: {', '.join(['no faults found', *parts])}"
