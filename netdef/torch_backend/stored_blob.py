"""A blob that a layer names by its file."""

from typing import Any

from netdef.contract import Fault, Instance, Problem
from netdef.source import NetdefError
from netdef.source.locate import locate, looked_in
from netdef.weights import read_binaryproto


def stored_blob(n: Instance, field: str) -> Any:
    """Return the array in the binaryproto file that a field of a layer names.

    The file is looked for as sources of data are (`netdef.source.locate`).

    Args:
        n: The layer.
        field: The field of the type's own message with the file's name.

    Raises:
        Fault: The file is not there (rule `missing-source`) or is no blob (`bad-source`).
    """
    name = getattr(n.p, field)
    path = locate(name, n.file)
    if path is None:
        text, note = f"the file `{name}` is not there", looked_in(name, n.file)
        raise Fault(Problem(field, text, "missing-source", note))
    try:
        return read_binaryproto(path)
    except NetdefError as fault:
        found = fault.diagnostics[0]
        raise Fault(Problem(field, found.message, "bad-source", found.note)) from None
