"""Modules that remember how they were made."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from weakref import WeakKeyDictionary

from torch import nn

from netdef.torch_backend.context import CONTEXT, TorchContext
from netdef.torch_source.call import Call, call_of


class Recording:
    """What a layer type's `torch` facet builds with, here with the calls noted down.

    Attributes:
        context: To be given to the facet.
    """

    def __init__(self) -> None:
        self._calls: WeakKeyDictionary[nn.Module, Call] = WeakKeyDictionary()
        self.context = TorchContext(
            **{**vars(CONTEXT), "nn": self._noting(CONTEXT.nn), "ops": self._noting(CONTEXT.ops)}
        )

    def call(self, module: nn.Module) -> Call | None:
        """Return how a module was made; None if it was not by `nn` or `ops` of the context."""
        return self._calls.get(module)

    def _noting(self, classes: Any) -> Any:
        return cast("Any", _Noting(lambda name: self._maker(getattr(classes, name))))

    def _maker(self, found: Any) -> Any:
        is_module = isinstance(found, type) and issubclass(found, nn.Module)
        return partial(self._make, found) if is_module else found

    def _make(self, cls: type[nn.Module], *args: Any, **kwargs: Any) -> nn.Module:
        module = cls(*args, **kwargs)
        noted = tuple(
            self._calls.get(arg, arg) if isinstance(arg, nn.Module) else arg for arg in args
        )
        self._calls[module] = call_of(cls, noted, kwargs)
        return module


class _Noting(SimpleNamespace):
    """Attributes by a function of their names."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return self._find(name)
