"""Inputs that are given as arrays in files."""

from pathlib import Path
from typing import Any

import click

from netdef.source import NetdefError, error


class ArrayOption(click.ParamType):
    """BLOB=FILE.npy."""

    name = "BLOB=FILE.npy"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Return the name of the blob and the file."""
        blob, _, path = str(value).partition("=")
        if not blob or not path:
            self.fail(f"{value!r} is not of the form data=values.npy", param, ctx)
        return blob, Path(path)


def read_arrays(given: tuple[tuple[str, Path], ...]) -> dict[str, Any]:
    """Return the arrays in .npy files, by blob.

    Raises:
        NetdefError: A file is missing, or holds no array of numbers.
    """
    return {blob: _read(path) for blob, path in given}


def _read(path: Path) -> Any:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except OSError as fault:
        text = f"cannot read {path}: {fault.strerror or fault}"
        raise NetdefError(error("missing-file", text)) from None
    except (ValueError, EOFError) as fault:
        raise NetdefError(error("bad-source", f"{path} is no array of numpy: {fault}")) from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise NetdefError(error("bad-source", f"{path} is no .npy of numbers"))
    return array.astype(np.float32)
