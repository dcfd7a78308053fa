"""Diagnostics about weight files, which are binary and have no lines to point at."""

import os

from netdef.source import Diagnostic, NetdefError, error
from netdef.source.suggest import did_you_mean

MOST_FAULTS = 50
"""Faults listed of one file: one slip of a writer spoils every blob in the same way."""


def bad_file(path: str, message: str, note: str | None = None) -> Diagnostic:
    """Say what is wrong inside a file."""
    return error("bad-weight-file", f"{path}{message}", note=note)


def not_readable(path: str, fault: OSError) -> NetdefError:
    """Return the error for a file that cannot be opened; near names if it is not there."""
    note = _near(path) if isinstance(fault, FileNotFoundError) else None
    reason = fault.strerror or str(fault)
    return NetdefError(error("missing-file", f"cannot read {path}: {reason}", note=note))


def check_regular(path: str) -> None:
    """See that a path names a file with contents.

    Raises:
        NetdefError: It cannot be read (rule `missing-file`), is a folder or device, or is empty
            (`bad-weight-file`).
    """
    try:
        size = os.stat(path).st_size
    except OSError as fault:
        raise not_readable(path, fault) from fault
    if not os.path.isfile(path):
        what = "a folder" if os.path.isdir(path) else "not a regular file"
        raise NetdefError(bad_file(path, f" is {what}"))
    if size == 0:
        raise NetdefError(bad_file(path, " is empty"))


def _near(path: str) -> str | None:
    folder, name = os.path.split(path)
    try:
        entries = os.listdir(folder or ".")
    except OSError:
        return f"there is no folder `{folder}`" if folder else None
    return did_you_mean(name, entries)
