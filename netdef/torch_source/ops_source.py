"""The source of ops, with what they use, to be printed into a module that has no netdef."""

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module

from torch import nn

from netdef.torch_backend import ops
from netdef.torch_source.definitions import Imported, Piece, imports, pieces
from netdef.torch_source.names import Names

_ROOM = f"{ops.__name__}."
_LEFT_OUT = frozenset({"expression", "native"})
"""Methods that only this room asks for."""

_Key = tuple[str, str]
"""A file's module, and a name in it."""


class OpsSource:
    """Collects definitions.

    Attributes:
        imports: What they import from elsewhere, by name.
    """

    def __init__(self, classes: Iterable[type[nn.Module]], taken: Callable[[str], bool]) -> None:
        """Collect classes and what they use; names that are `taken` or given twice are changed.

        Raises:
            LookupError: A class is not one of the ops.
        """
        self.imports: dict[str, Imported] = {}
        self._pieces: dict[_Key, Piece] = {}
        self._seen: set[_Key] = set()
        for cls in classes:
            if not cls.__module__.startswith(_ROOM):
                raise LookupError(cls.__name__)
            self._collect(cls.__module__, cls.__name__)
        self._names = Names(taken)
        self._written = {key: self._names.new(key[1]) for key in self._pieces}

    def name(self, cls: type[nn.Module]) -> str:
        """Return what a class is called in the source."""
        return self._written[cls.__module__, cls.__name__]

    def text(self) -> str:
        """Return the definitions, each behind those it uses."""
        texts: dict[str, None] = {}
        for (module, _), piece in self._pieces.items():
            texts[self._renamed(module, piece)] = None
        return "\n\n\n".join(texts)

    def _collect(self, module: str, name: str) -> None:
        if (module, name) in self._seen:
            return
        self._seen.add((module, name))
        own, outside = _file(module)
        piece = own[name]
        for used in sorted(piece.uses - {name}, key=lambda u: [*own, *outside, u].index(u)):
            if used in own:
                self._collect(module, used)
            elif used in outside:
                self._import(used, outside[used])
        self._pieces[module, name] = piece

    def _import(self, name: str, imported: Imported) -> None:
        if imported.module.startswith(_ROOM):
            self._collect(imported.module, imported.name)
        else:
            self.imports[name] = imported

    def _renamed(self, module: str, piece: Piece) -> str:
        """Return a piece with the names of what it uses as they are in the source."""
        own, outside = _file(module)
        text = piece.text
        for used in {piece.name, *piece.uses}:
            key = (module, used)
            if used not in own and used in outside:
                key = (outside[used].module, outside[used].name)
            written = self._written.get(key, used)
            if written != used:
                text = re.sub(rf"(?<![\w.]){re.escape(used)}(?!\w|=[^=])", written, text)
        return text


@cache
def _file(module: str) -> tuple[dict[str, Piece], dict[str, Imported]]:
    import_module(module)
    source = inspect.getsource(sys.modules[module])
    return pieces(source, _LEFT_OUT), imports(source)
