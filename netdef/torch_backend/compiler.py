"""What torch needs besides itself to compile a net for the CPU or a GPU."""

import os
import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import torch

from netdef.source import NetdefError, error

_COMPILERS = ("g++", "clang++")


def require_compiler(device: torch.device) -> None:
    """See that torch.compile has what it needs: for a CPU it writes C++, for a GPU Triton.

    Raises:
        NetdefError: Something is missing (rule `no-compiler`).
    """
    missing = [*missing_for_cpp()]
    if device.type == "cuda" and find_spec("triton") is None:
        missing.append("the package triton")
    if missing:
        note = "install that, or take the engine `optimized` or `onnxruntime`"
        text = f"to compile a net takes {' and '.join(missing)}, not found here"
        raise NetdefError(error("no-compiler", text, note=note))


def missing_for_cpp() -> list[str]:
    """Return what is missing to compile C++ that Python loads."""
    asked = os.environ.get("CXX")
    missing: list[str] = []
    if not any(map(shutil.which, [asked] if asked else _COMPILERS)):
        missing.append(f"a C++ compiler ({asked or ' or '.join(_COMPILERS)})")
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        missing.append("the header files of Python (python3-dev)")
    return missing
