"""Names of layers and blobs: the file's own, valid and once only."""

from collections.abc import Container


def tidy(name: str) -> str:
    """Return a name without the slash that some exporters begin with, and control characters.

    HDF5 weight files make folders of slashes, and a folder without a name is none.
    """
    kept = "".join(letter for letter in name if letter.isprintable())
    return kept.strip("/ ")


def unique(name: str, taken: Container[str]) -> str:
    """Return `name`, with a number behind where it is taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
