"""Lists of image files: a path and a label in every line."""

from pathlib import Path

from netdef.data.faults import DataFault
from netdef.data.image_lines import image_path
from netdef.source.locate import shown


def first_size(listing: Path, root: str = "") -> tuple[int, int] | None:
    """Return rows and columns of the first image that a list names; None if it is not there.

    Args:
        listing: The list.
        root: What is put before every path.

    Raises:
        DataFault: The list cannot be read or names nothing, or the image cannot be read.
    """
    name = _first_name(listing)
    try:
        path = image_path(name, root, listing)
    except DataFault:
        return None
    return _size(path)


def _first_name(listing: Path) -> str:
    try:
        with listing.open(errors="replace") as file:
            line = next((stripped for line in file if (stripped := line.strip())), "")
    except OSError as fault:
        raise DataFault(f"cannot read {shown(listing)}: {fault.strerror}") from None
    if not line:
        raise DataFault(f"{shown(listing)} lists no images")
    # The label is what follows the last space: a path may hold spaces, too.
    path, space, _ = line.rpartition(" ")
    return path.rstrip() if space else line


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise DataFault(f"{shown(path)}, the first image listed, cannot be read") from None
