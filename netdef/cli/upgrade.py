"""`netdef upgrade`."""

import click

from netdef.cli.report import report
from netdef.frontend.format import format_document
from netdef.frontend.parse import parse
from netdef.frontend.upgrade import upgrade, upgrade_solver, upgrades_of
from netdef.passes.kind import message_for
from netdef.schema import pb
from netdef.source import NetdefError, read, replacing


@click.command("upgrade")
@click.argument("path", metavar="IN", type=click.Path())
@click.option("-o", "--output", metavar="OUT", type=click.Path(), help="File to write.")
def command(path: str, output: str | None) -> None:
    """Rewrite a net or solver of an old format in the current one.

    These are read: the V0 and V1 formats of Caffe, inputs as fields of the net, BatchNorm with
    learning rates, `ceil_mode` of the forks, `solver_type`. The result has the canonical layout,
    with the comments where they belong. A file that is current already is written as it is.
    Without -o it is printed; what was done is told on standard error.
    """
    text, done = _upgraded(path)
    if output is None:
        click.echo(text, nl=False)
    else:
        with replacing(output) as temporary, open(temporary, "wb") as file:
            file.write(text.encode("utf-8"))
    what = f"upgraded {', '.join(done)}" if done else "nothing to upgrade"
    click.echo(f"{path}: {what}", err=True)


def _upgraded(path: str) -> tuple[str, tuple[str, ...]]:
    """Return the text in current form, and what was upgraded.

    Raises:
        NetdefError: The file cannot be read, or has faults that keep it from being upgraded.
    """
    original, faults = parse(read(path))
    document = original
    if not faults:
        kind = message_for(document)
        if kind is pb.NetParameter:
            document, faults = upgrade(document)
        elif kind is pb.SolverParameter:
            document, faults = upgrade_solver(document)
    if any(fault.is_error for fault in faults):
        raise NetdefError(faults)
    if faults:
        report(faults)
    done = upgrades_of(document)
    return (format_document(document, original) if done else original.file.text), done
