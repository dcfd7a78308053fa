"""`netdef layers`."""

import inspect
from collections.abc import Iterable

import click

from netdef import catalog
from netdef.contract import LayerType
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean


@click.command("layers")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the layer types, or explain one."""
    if name is None:
        for known in catalog.names():
            kind = catalog.find(known)
            click.echo(f"{known:<26}{_first_sentence(kind) if kind else ''}")
        return
    kind = catalog.find(name)
    if kind is None:
        slip = catalog.slip_of(name)
        note = f"did you mean `{slip}`?" if slip else did_you_mean(name, catalog.names())
        raise NetdefError(error("unknown-layer-type", f"unknown layer type `{name}`", note=note))
    click.echo(f"{kind.name}: {inspect.getdoc(kind)}\n")
    click.echo(f"bottoms: {_number(kind.bottoms)}   tops: {_number(kind.tops)}")
    if kind.param:
        click.echo(f"parameters: {kind.param}")
    for example in kind.examples:
        shapes = [tuple(i.shape) for i in example.inputs]
        click.echo(f"\n{' '.join(map(str, shapes)) or 'no input'} -> {_shapes(example.outs)}")
        click.echo(f'  layer {{ type: "{kind.name}" {example.text.strip()} }}'.replace("  }", " }"))


def _first_sentence(kind: LayerType) -> str:
    return (inspect.getdoc(kind) or "").split("\n")[0]


def _number(count: int | range) -> str:
    if isinstance(count, int):
        return str(count)
    return f"{count.start} or more" if count.stop > 1000 else f"{count.start} to {count.stop - 1}"


def _shapes(shapes: Iterable[Iterable[int]]) -> str:
    return " ".join(str(tuple(shape)) for shape in shapes) or "no output"
