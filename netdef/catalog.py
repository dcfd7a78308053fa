"""Finding layer types: the package's own by file name, plug-ins by entry point.

A type's file is named after it: `InnerProduct` is in `layers/inner_product.py`. So a net imports
the files of its own types and no others. A name that has no file is looked for among the entry
points, which are named after their types; if it is not there either (a fork's second name for a
type, a slip of the pen), we look through all files and plug-ins.
"""

import pkgutil
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

import netdef.layers
from netdef.contract import REGISTRY, LayerType
from netdef.source import NetdefError, error
from netdef.source.suggest import fold, near_names, one_edit_apart

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_ENTRY_POINTS = "netdef.layers"
_SHORTEST_NAME_FOR_EDITS = 5


@lru_cache(10_000)  # a text may name any number of types
def find(name: str) -> LayerType | None:
    """Return the layer type of this name, or None.

    Raises:
        NetdefError: A plug-in that was looked into cannot be loaded.
    """
    module = _files().get(name.lower())
    if module is not None:
        import_module(module)
    if name not in REGISTRY:
        _load_plugins(name)
    if name not in REGISTRY:
        _import_all()
    return REGISTRY.get(name)


def knows_type(name: str) -> bool:
    """Whether a layer type of this name exists."""
    return find(name) is not None


def names() -> list[str]:
    """Return the names of all layer types, sorted without regard to case."""
    _import_all()
    return sorted(REGISTRY, key=str.lower)


@lru_cache(1000)
def slip_of(name: str) -> str | None:
    """Return the known name of which `name` is surely a slip, or None.

    A sure slip equals the known name but for case and underscores, or is one edit away from one of
    five or more letters.
    """
    for known in names():
        if fold(known) == fold(name):
            return known
    for known in names():
        if len(known) >= _SHORTEST_NAME_FOR_EDITS and one_edit_apart(name, known):
            return known
    return None


def near(name: str) -> list[str]:
    """Return known names that look like `name`, nearest first."""
    return list(_near(name))


@lru_cache(1000)
def _near(name: str) -> tuple[str, ...]:
    return tuple(near_names(name, names()))


def extension(message: Descriptor, name: str) -> FieldDescriptor | None:
    """Return the extension of `message` that a plug-in brings under `name`, bare or qualified."""
    if not message.is_extendable:
        return None
    _load_plugins()
    for field in message.file.pool.FindAllExtensions(message):
        if name in (field.name, field.full_name):
            return field
    return None


def own_message(kind: LayerType, message: Any) -> Any:
    """Return the message of a type's own parameters inside `message`, a LayerParameter.

    It is empty where the file gives none, and a LayerParameter for types without parameters.
    """
    if kind.param is None:
        return message
    if kind.param in message.DESCRIPTOR.fields_by_name:
        return getattr(message, kind.param)
    field = extension(message.DESCRIPTOR, kind.param)
    if field is None:
        raise LookupError(f"layer type {kind.name} names a field {kind.param} that nobody defines")
    return message.Extensions[field]


@cache
def _files() -> dict[str, str]:
    path = netdef.layers.__path__
    return {fold(m.name): f"netdef.layers.{m.name}" for m in pkgutil.iter_modules(path)}


@cache
def _import_all() -> None:
    for module in _files().values():
        import_module(module)
    _load_plugins()


@cache
def _load_plugins(name: str | None = None) -> None:
    """Import the plug-ins that bring the type `name`; all of them if None."""
    for point in _plugins():
        if name not in (None, point.name):
            continue
        try:
            point.load()
        except Exception as fault:  # whatever a stranger's module raises
            text = f"the plug-in `{point.name}` ({point.value}) cannot be loaded: {fault}"
            raise NetdefError(error("broken-plugin", text)) from fault


@cache
def _plugins() -> "tuple[EntryPoint, ...]":
    # Scanning what is installed costs more than checking a net, so it waits for an unknown name.
    from importlib.metadata import entry_points

    return tuple(entry_points(group=_ENTRY_POINTS))
