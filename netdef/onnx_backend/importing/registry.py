"""Which function converts which ONNX operator."""

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netdef.onnx_backend.importing.net_builder import Blob
    from netdef.onnx_backend.importing.operator import Operator

    Converter = Callable[[Operator], Blob | list[Blob]]
"""Adds the layers of a node to the net and returns the blobs of its outputs."""

_CONVERTERS: "dict[str, Converter]" = {}


def converts(*types: str) -> "Callable[[Converter], Converter]":
    """Register a function for ONNX operators.

    A file of `operators/` holds a group of them, and is found by being there.
    """

    def register(function: "Converter") -> "Converter":
        for type in types:
            _CONVERTERS[type] = function
        return function

    return register


def converter(type: str) -> "Converter | None":
    """Return the function for an operator, or None."""
    _load()
    return _CONVERTERS.get(type)


@cache
def _load() -> None:
    from netdef.onnx_backend.importing import operators

    for module in pkgutil.iter_modules(operators.__path__):
        import_module(f"{operators.__name__}.{module.name}")
