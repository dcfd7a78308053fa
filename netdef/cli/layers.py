"""`netdef layers`."""

import json
from typing import Any

import click

from netdef import catalog
from netdef.contract import ROLES, LayerType, Role, documentation
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean


@click.command("layers")
@click.argument("name", metavar="[TYPE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, as_json: bool) -> None:
    """List the layer types, or explain one.

    The list is grouped by what the types are for. The page of a type tells what it computes, the
    fields it heeds with their defaults, shapes, an example, and how forks differ.
    """
    # What is loaded here reads the whole schema.
    from netdef.cli.layer_page import page_of, to_dict
    from netdef.cli.layer_text import list_text, page_text

    if name is None:
        by_role = _by_role()
        text = _json(_listed(by_role)) if as_json else list_text(by_role)
    else:
        page = page_of(_find(name))
        text = _json(to_dict(page)) if as_json else page_text(page)
    click.echo(text, nl=False)


def _find(name: str) -> LayerType:
    kind = catalog.find(name)
    if kind is None:
        slip = catalog.slip_of(name)
        note = f"did you mean `{slip}`?" if slip else did_you_mean(name, catalog.names())
        raise NetdefError(error("unknown-layer-type", f"unknown layer type `{name}`", note=note))
    return kind


def _by_role() -> dict[Role, list[LayerType]]:
    """Return all layer types by role; one of several names is there once."""
    by_role: dict[Role, list[LayerType]] = {role: [] for role in ROLES}
    for kind in map(catalog.find, catalog.names()):
        if kind is not None and kind.name == kind.names[0]:
            by_role[kind.role].append(kind)
    return {role: kinds for role, kinds in by_role.items() if kinds}


def _listed(by_role: dict[Role, list[LayerType]]) -> dict[str, Any]:
    roles = [
        {"role": role, "doc": ROLES[role], "types": [_entry(kind) for kind in kinds]}
        for role, kinds in by_role.items()
    ]
    return {"roles": roles}


def _entry(kind: LayerType) -> dict[str, Any]:
    purpose = documentation(kind).purpose
    return {"name": kind.name, "aliases": list(kind.names[1:]), "purpose": purpose}


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
