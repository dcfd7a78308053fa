"""Text files, places in them, and what is said about those places."""

from netdef.source.diagnostic import (
    Diagnostic,
    Label,
    NetdefError,
    Severity,
    error,
    hint,
    warning,
)
from netdef.source.file import SourceFile
from netdef.source.read import read
from netdef.source.replacing import made_folder, replacing
from netdef.source.span import Span

__all__ = [
    "Diagnostic",
    "Label",
    "NetdefError",
    "Severity",
    "SourceFile",
    "Span",
    "error",
    "hint",
    "made_folder",
    "read",
    "replacing",
    "warning",
]
