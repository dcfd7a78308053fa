"""Renaming layers: exact names, and patterns with one `*`."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.weights.weights import StoredLayer, Weights
from netdef.weights.wire import LEN, encode_head, fields

_NAME = 1


class Renaming(NamedTuple):
    """What one renaming says: a name, or a pattern with a `*` on both sides."""

    old: str
    new: str

    def apply(self, name: str) -> str | None:
        """Return the new name of a layer, or None if this is not about it."""
        if "*" not in self.old:
            return self.new if name == self.old else None
        before, after = self.old.split("*")
        found = len(name) >= len(before) + len(after)
        if not found or not name.startswith(before) or not name.endswith(after):
            return None
        return self.new.replace("*", name[len(before) : len(name) - len(after)])


def parse_renaming(text: str, place: str = "") -> Renaming:
    """Return what OLD=NEW says.

    Raises:
        NetdefError: It is not of that form (rule `bad-map`).
    """
    old, equals, new = (part.strip() for part in text.partition("="))
    stars = old.count("*"), new.count("*")
    if equals and old and new and stars in ((0, 0), (1, 1)):
        return Renaming(old, new)
    text = f"{place}`{text}` is no renaming"
    note = "write OLD=NEW; either both have one *, or neither has"
    raise NetdefError(error("bad-map", text, note=note))


def read_renamings(path: str | os.PathLike[str]) -> list[Renaming]:
    """Read a file with one OLD=NEW in every line; empty lines, and those with # first, are skipped.

    Raises:
        NetdefError: It cannot be read (rule `missing-file`), or has a line that is no renaming
            (`bad-map`).
    """
    path = os.fspath(path)
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is no text"
        note = "a renaming is OLD=NEW, or a file of such lines"
        text = f"cannot read {path}: {reason}"
        raise NetdefError(error("missing-file", text, note=note)) from fault
    return [
        parse_renaming(line.strip(), f"{path}:{number}: ")
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def rename(weights: Weights, renamings: Sequence[Renaming]) -> tuple[Weights, dict[str, str]]:
    """Return weights with other layer names, and what became of which.

    Exact names go before patterns; among patterns the first that fits counts.

    Raises:
        NetdefError: A renaming finds no layer, or two layers with weights would have one name
            (rule `bad-map`).
    """
    _check_used(weights, renamings)
    names: dict[str, str] = {}
    for name in weights:
        found = (renaming.apply(name) for renaming in sorted(renamings, key=_is_pattern))
        names[name] = next((new for new in found if new is not None), name)
    layers = [_renamed(layer, names[layer.name]) for layer in weights.layers]
    _check_collisions(weights.layers, layers)
    changed = {old: new for old, new in names.items() if old != new}
    return weights.with_layers(layers), changed


def _is_pattern(renaming: Renaming) -> bool:
    return "*" in renaming.old


def _check_used(weights: Weights, renamings: Iterable[Renaming]) -> None:
    faults = [
        error(
            "bad-map",
            f"{weights.path}: --map renames `{renaming.old}`, but no layer is called so",
            note=did_you_mean(renaming.old, weights),
        )
        for renaming in renamings
        if all(renaming.apply(name) is None for name in weights)
    ]
    if faults:
        raise NetdefError(faults)


def _check_collisions(old: Sequence[StoredLayer], new: Sequence[StoredLayer]) -> None:
    before = Counter(layer.name for layer in old if layer.has_blobs)
    after = Counter(layer.name for layer in new if layer.has_blobs)
    faults = [
        error("bad-map", f"--map gives {count} layers with weights the name `{name}`")
        for name, count in after.items()
        if count > max(before[name], 1)
    ]
    if faults:
        raise NetdefError(faults)


def _renamed(layer: StoredLayer, name: str) -> StoredLayer:
    if name == layer.name:
        return layer
    return replace(layer, name=name, settings=_settings_named(layer.settings, name))


def _settings_named(settings: bytes, name: str) -> bytes:
    """Return a LayerParameter under another name, its other bytes as they are."""
    if not settings:
        return settings
    raw = name.encode("utf-8", "surrogateescape")
    pieces = [encode_head(_NAME, len(raw)) + raw]
    rest = 0
    for number, kind, at, _, end in fields(settings, 0, len(settings)):
        if number == _NAME and kind == LEN:
            pieces.append(settings[rest:at])
            rest = end
    return b"".join((*pieces, settings[rest:]))
