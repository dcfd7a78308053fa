"""Finding the files that other files name: sources of data, means, nets of a solver, weights.

A name written inside a file was right on the machine of whoever wrote it. So it is looked for in
the working folder, in the folder of the file that names it, in each folder above that, and last,
without its own folders, beside the file.
"""

import os
from pathlib import Path


def places(name: str, referring: str | Path | None) -> list[Path]:
    """Return the paths that `name` may mean, in the order in which they are tried.

    Args:
        name: A relative or absolute path, as it is written in `referring`.
        referring: The file that names it; None for one that has no place on disk.
    """
    if not name:
        return []
    folder = _folder(referring)
    tried = [Path(base, name) for base in (Path.cwd(), folder, *folder.parents)]
    return list(dict.fromkeys([*tried, folder / Path(name).name]))


def locate(name: str, referring: str | Path | None) -> Path | None:
    """Return the absolute path of a file or folder that `referring` names, or None."""
    return next((path for path in places(name, referring) if os.path.exists(path)), None)


def looked_in(name: str, referring: str | Path | None) -> str:
    """Return the places that `locate` tries, as half a sentence: "looked in ..."."""
    folder, working = _folder(referring), Path.cwd()
    base = Path(name).name
    beside = (
        f", then for `{base}` beside the file that names it" if base != name.rstrip("/") else ""
    )
    if os.path.isabs(name):
        return f"looked for exactly this path{beside}"
    if folder == working:
        return f"looked in the working folder {working} and in each folder above it{beside}"
    return (
        f"looked in the working folder {working}, in {folder} and in each folder above it{beside}"
    )


def shown(path: Path) -> str:
    """Return a path as messages show it: relative when it is inside the working folder."""
    working = Path.cwd()
    return str(path.relative_to(working)) if path.is_relative_to(working) else str(path)


def _folder(referring: str | Path | None) -> Path:
    return Path(os.path.abspath(referring)).parent if referring else Path.cwd()
