"""netdef: networks written as text.

`load` a prototxt, `check` it, `compile` it to a torch program, `export_onnx` it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netdef.api import batches, check, compile, export_onnx, import_onnx, load, loads
    from netdef.source import Diagnostic, NetdefError
    from netdef.training.solver import Solver

__all__ = [
    "Diagnostic",
    "NetdefError",
    "Solver",
    "batches",
    "check",
    "compile",
    "export_onnx",
    "import_onnx",
    "load",
    "loads",
]

__version__ = "0.1.0"

_HOMES = {
    "Diagnostic": "netdef.source",
    "NetdefError": "netdef.source",
    "Solver": "netdef.training.solver",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `import netdef` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'netdef' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "netdef.api")), name)
