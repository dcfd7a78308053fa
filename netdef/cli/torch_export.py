"""`netdef export` to files that torch reads: source, programs, packages."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef import api
from netdef.cli.report import report
from netdef.source import warning

if TYPE_CHECKING:
    from netdef.ir import Net
    from netdef.torch_backend.executable import Executable

SUFFIXES = (".py", ".pt2")
"""Of the files that are written here; a package is in a folder."""


def refuse_onnx_options(onnx: Mapping[str, Any]) -> None:
    """See that no option was given that is for ONNX files only.

    Raises:
        click.UsageError: One was.
    """
    for name, value in onnx.items():
        if value not in (None, False):
            raise click.UsageError(f"--{name.replace('_', '-')} is for ONNX files")


def export_torch(net: "Net", path: Path, weights: str | None, aot: bool, stem: str) -> None:
    """Write a net, and say what was written.

    Args:
        net: The net.
        path: The file; with `aot`, a folder.
        weights: A file to read weights from; without one, fillers decide.
        aot: Whether to write a package of machine code, called `stem`.
        stem: The name of the net's file, without suffixes.
    """
    exe = api.compile(net, weights, device="cpu")
    if net.params and weights is None:
        text = "no weights were given: what is written holds what the fillers of the net made"
        report([warning("no-weights", text)])
    if not aot and path.suffix == ".py":
        _source(exe, path)
    else:
        _program(exe, path, stem if aot else None)


def _source(exe: "Executable", path: Path) -> None:
    from netdef import __version__
    from netdef.torch_source.export_source import export_source

    done = export_source(exe, path, __version__)
    report(done.warnings)
    click.echo(f"source: {done.path}")
    click.echo(f"weights: {done.weights}")
    _echo_blobs(done.inputs, done.outputs)


def _program(exe: "Executable", path: Path, package: str | None) -> None:
    from netdef.torch_source.export_program import export_package, export_program

    done = export_program(exe, path) if package is None else export_package(exe, path, package)
    report(done.warnings)
    click.echo(f"{'program' if package is None else 'package'}: {done.path}")
    _echo_blobs(done.inputs, done.outputs)
    click.echo(f"largest difference from netdef: {done.largest_difference:.3g}")


def _echo_blobs(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
    for word, blobs in (("input", inputs), ("output", outputs)):
        for name, sizes in blobs.items():
            shown = "unknown" if sizes is None else " x ".join(map(str, sizes)) or "a number"
            click.echo(f"  {word} {name}: {shown}")
