"""Which image files are meant by files, folders and lists."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from netdef.source import NetdefError, error, read
from netdef.source.locate import locate, looked_in, shown


def image_files(
    named: Iterable[str | Path], recursive: bool = False, lists: Iterable[str | Path] = ()
) -> list[Path]:
    """Return image files, in the order in which they are named; those of a folder sorted.

    Args:
        named: Files and folders. A file is taken whatever its suffix, of a folder those whose
            suffix is one of images.
        recursive: Whether folders in folders count.
        lists: Text files with a path in every line, and perhaps a space and a label behind it; they
            are looked for as `netdef.source.locate` does.

    Raises:
        NetdefError: Something is not there (rules `missing-file`, `bad-image`), or nothing is found
            (`bad-list`).
    """
    found: list[Path] = []
    for name in map(Path, named):
        if name.is_dir():
            found += _in_folder(name, recursive)
        elif name.exists():
            found.append(name)
        else:
            raise NetdefError(error("missing-file", f"{name} is not there"))
    for name in lists:
        found += _listed(Path(name))
    return found


def _in_folder(folder: Path, recursive: bool) -> list[Path]:
    from PIL import Image

    suffixes = Image.registered_extensions().keys()
    inside = folder.rglob("*") if recursive else folder.glob("*")
    files = sorted(path for path in inside if path.suffix.lower() in suffixes and path.is_file())
    if not files:
        note = None if recursive else "--recursive looks into the folders in it, too"
        raise NetdefError(error("bad-list", f"{folder} holds no images", note=note))
    return files


def _listed(listing: Path) -> Iterator[Path]:
    lines = [line.strip() for line in read(listing).text.splitlines()]
    names = [line for line in lines if line]
    if not names:
        raise NetdefError(error("bad-list", f"{shown(listing)} lists no images"))
    for name in names:
        without_label = name.rpartition(" ")[0].rstrip()
        path = locate(name, listing) or locate(without_label, listing)
        if path is None:
            text = f"`{name}`, listed in {shown(listing)}, is not there"
            raise NetdefError(error("bad-image", text, note=looked_in(name, listing)))
        yield path
