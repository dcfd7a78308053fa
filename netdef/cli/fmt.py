"""`netdef fmt`."""

import difflib
import os
import shutil
import sys
from collections.abc import Iterator

import click

from netdef.cli.report import report
from netdef.frontend.format import format_document
from netdef.frontend.parse import parse
from netdef.source import Diagnostic, NetdefError, SourceFile, read, replacing


@click.command("fmt")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--check", is_flag=True, help="Write nothing; list files that would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
def command(files: tuple[str, ...], check: bool, diff: bool) -> None:
    """Lay out prototxt files in the one canonical way.

    Files are rewritten in place, and only if that changes them. Comments, grouping by blank lines
    and the digits of numbers stay. In a folder, every .prototxt below it is meant; `-` reads
    standard input and writes standard output. A file with faults of syntax is left alone.

    The exit code is 1 when a file has faults, and with --check when one would change.
    """
    changed = same = faulty = 0
    for path in _found(files):
        try:
            differs = _pipe(check, diff) if path == "-" else _file(path, check, diff)
        except NetdefError as fault:
            report(fault.diagnostics)
            faulty += 1
        else:
            changed, same = changed + differs, same + (not differs)
    # Where standard output is a text or a patch, it is nothing but that.
    click.echo(_summary(changed, same, faulty, check or diff), err=diff or "-" in files)
    click.get_current_context().exit(int(faulty > 0 or (check and changed > 0)))


def _found(paths: tuple[str, ...]) -> Iterator[str]:
    """Yield the files; for a folder those in it, in the order of their names."""
    seen: set[str] = set()
    for path in paths:
        for file in _below(path) if os.path.isdir(path) else (path,):
            if file not in seen:
                seen.add(file)
                yield file


def _below(folder: str) -> Iterator[str]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(".prototxt"):
                yield os.path.join(base, name)


def _file(path: str, check: bool, diff: bool) -> bool:
    """Format a file in place, or show what that would do; return whether it changes."""
    file = read(path)
    text = _formatted(file)
    with open(path, "rb") as stream:
        before = stream.read()
    after = text.encode(_encoding(before))
    if after == before:
        return False
    if check:
        click.echo(f"would change: {path}", err=diff)
    if diff:
        click.echo(_diff(path, file.text, text), nl=False)
    if not (check or diff):
        with replacing(path) as temporary:
            with open(temporary, "wb") as stream:
                stream.write(after)
            shutil.copymode(path, temporary)
        click.echo(f"changed: {path}")
    return True


def _pipe(check: bool, diff: bool) -> bool:
    """Format standard input to standard output; return whether it changes."""
    before = sys.stdin.buffer.read()
    file = SourceFile.decode("<stdin>", before)
    text = _formatted(file)
    after = text.encode(_encoding(before))
    if diff:
        click.echo(_diff(file.path, file.text, text), nl=False)
    elif not check:
        click.echo(after, nl=False)
    return after != before


def _formatted(file: SourceFile) -> str:
    """Return the text in canonical layout.

    Raises:
        NetdefError: It has faults of syntax.
    """
    document, faults = parse(file)
    errors: list[Diagnostic] = [fault for fault in faults if fault.is_error]
    if errors:
        raise NetdefError(errors)
    return format_document(document)


def _encoding(raw: bytes) -> str:
    """Return the encoding that a file was read in, and so is to be written in."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(_lines(before), _lines(after), path, path)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; `splitlines` takes more characters for line ends."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _summary(changed: int, same: int, faulty: int, would: bool) -> str:
    parts = [
        f"{_files(changed)} {'would change' if would else 'changed'}" if changed else "",
        f"{_files(same)} in order" if same else "",
        f"{_files(faulty)} left alone for faults" if faulty else "",
    ]
    return ", ".join(filter(None, parts)) or "no .prototxt files found"


def _files(number: int) -> str:
    return f"{number} file{'s' if number > 1 else ''}"
