"""Reading text files, with faults that say what is wrong."""

from pathlib import Path

from netdef.source.diagnostic import NetdefError, error
from netdef.source.file import SourceFile


def read(path: str | Path) -> SourceFile:
    """Read a text file.

    Raises:
        NetdefError: The file is not there, cannot be read, or is no text.
    """
    try:
        file = SourceFile.read(path)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise NetdefError(error("missing-file", f"cannot read {path}: {reason}")) from None
    if "\0" in file.text:
        text = f"{path} is not a text file"
        note = "a .prototxt is wanted; weights are given with --weights"
        raise NetdefError(error("not-text", text, note=note))
    return file
