"""Files that are there whole or not at all."""

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from netdef.source.diagnostic import NetdefError, error


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Generator[str]:
    """Give the path of a temporary file that becomes `path` when the block ends well.

    It lies in the same folder. At the end it is synced, renamed, and the folder is synced; if the
    block raises, it is removed and `path` is as it was. A link is followed, not replaced.

    Raises:
        NetdefError: The file cannot be written (rule `cannot-write`), or `path` is a folder or
            device. An OSError inside the block counts as such.
    """
    path = os.fspath(path)
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise NetdefError(error("cannot-write", f"cannot write {path}: it is not a regular file"))
    folder, name = os.path.split(target)
    # The suffix stays: some libraries tell the format by it.
    temporary = os.path.join(folder, f".{secrets.token_hex(4)}.{name[-100:]}")
    try:
        with open(temporary, "xb"):
            pass
        yield temporary
        _sync(temporary, os.O_RDWR)
        os.replace(temporary, target)
        _sync_folder(folder)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise NetdefError(error("cannot-write", f"cannot write {path}: {reason}")) from fault
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def made_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder that is there afterwards.

    Raises:
        NetdefError: It cannot be made (rule `cannot-write`).
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        text = f"cannot make the folder {folder}: {reason}"
        raise NetdefError(error("cannot-write", text)) from None
    return folder


def _sync(path: str, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: str) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    try:
        _sync(folder, os.O_RDONLY)
    except OSError as fault:
        if fault.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
