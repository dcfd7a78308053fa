"""Going through a data source once, to tell what is in it and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from netdef.data.faults import DataFault
from netdef.data.parallel import ordered
from netdef.data.samples import Entry, Sample, Samples, open_samples
from netdef.data.tracking import Track, untracked
from netdef.source import Diagnostic, NetdefError, error

_CHUNK = 32
"""Items that a thread looks at, one after the other."""

_FIRST_KEYS = 5


class Fault(NamedTuple):
    """What is wrong with one item."""

    key: str
    rule: str
    message: str

    def diagnostic(self) -> Diagnostic:
        """Return it as an error."""
        return error(self.rule, self.message)


class Picture(NamedTuple):
    """An item to be shown: its label, and its image (C, H, W) or None; whether it is broken."""

    label: str
    image: np.ndarray | None
    broken: bool = False


class Group(NamedTuple):
    """Items that are alike in one respect: how many, and the key of the first."""

    count: int
    first: str


@dataclass
class Findings:
    """What a source holds.

    Attributes:
        path: The source.
        kind: What it is: "LMDB", ...
        size: Items in it.
        examined: Items that were looked at.
        sizes: Items by shape.
        encodings: Items by what they are kept as.
        labels: Items by label, where a label is one number.
        keys: The first keys.
        faults: What is wrong, in the order of the items.
        pictures: Those that were asked for.
    """

    path: Path
    kind: str
    size: int
    examined: int = 0
    sizes: dict[str, Group] = field(default_factory=dict[str, Group])
    encodings: dict[str, Group] = field(default_factory=dict[str, Group])
    labels: Counter[float] = field(default_factory=Counter[float])
    keys: list[str] = field(default_factory=list[str])
    faults: list[Fault] = field(default_factory=list[Fault])
    pictures: list[Picture] = field(default_factory=list[Picture])


@dataclass(frozen=True)
class Wanted:
    """How closely to look.

    Attributes:
        decode: Whether every image is decoded, which finds what is broken inside.
        classes: Labels have to be whole numbers from 0 to below this.
        most: Look at the first so many items only.
        pictures: Keep so many images, evenly spread.
        root: What stands before every path of a list of images.
    """

    decode: bool = False
    classes: int | None = None
    most: int | None = None
    pictures: int = 0
    root: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a thread saw of one item."""

    entry: Entry
    sample: Sample | None
    fault: DataFault | None


def examine(path: Path, wanted: Wanted, track: Track = untracked) -> Findings:
    """Look at every item of a source.

    Args:
        path: A database, an HDF5 file, or a text file that lists HDF5 files or images.
        wanted: How closely.
        track: Is told how far it is.

    Raises:
        NetdefError: There is no source, or it is damaged as a whole. What is wrong with items is
            in the findings.
    """
    try:
        with open_samples(path, wanted.root) as samples:
            return _examine(path, samples, wanted, track)
    except DataFault as fault:
        raise NetdefError(error(fault.rule, str(fault), note=fault.note)) from None


def _examine(path: Path, samples: Samples, wanted: Wanted, track: Track) -> Findings:
    found = Findings(path, samples.kind, samples.size)
    total = min(samples.size, wanted.most or samples.size)
    chosen = {i * total // wanted.pictures for i in range(wanted.pictures)} if total else set()
    order = b""
    entries = samples.walk() if wanted.most is None else islice(samples.walk(), wanted.most)
    for number, seen in enumerate(track(_seen(entries, wanted.decode), total)):
        _count(found, seen, wanted.classes)
        if seen.entry.order is not None:
            if seen.entry.order <= order and number:
                _add_fault(found, seen.entry, "key-order", "comes after a key that is greater")
            order = seen.entry.order
        if number in chosen:
            found.pictures.append(_picture(seen))
    return found


def _seen(entries: Iterator[Entry], decode: bool) -> Iterator[_Seen]:
    chunks = iter(lambda: list(islice(entries, _CHUNK)), [])
    for chunk in ordered(lambda chunk: [_look(entry, decode) for entry in chunk], chunks):
        yield from chunk


def _look(entry: Entry, decode: bool) -> _Seen:
    try:
        sample = entry.read()
    except DataFault as fault:
        return _Seen(entry, None, fault)
    if decode:
        try:
            sample.image()
        except DataFault as fault:
            return _Seen(entry, sample, fault)
    return _Seen(entry, sample, None)


def _count(found: Findings, seen: _Seen, classes: int | None) -> None:
    entry, sample = seen.entry, seen.sample
    if entry.place:
        found.examined += 1
        if len(found.keys) < _FIRST_KEYS:
            found.keys.append(entry.key)
    if seen.fault is not None:
        _add_fault(found, entry, seen.fault.rule, str(seen.fault))
    if sample is None:
        return
    _add_to(found.sizes, sample.size, entry.key)
    _add_to(found.encodings, sample.encoding, entry.key)
    if sample.labels.size == 1:
        found.labels[float(sample.labels[0])] += 1
    if classes is not None:
        _check_labels(found, entry, sample.labels, classes)


def _add_to(groups: dict[str, Group], name: str, key: str) -> None:
    group = groups.get(name)
    groups[name] = Group(group.count + 1, group.first) if group else Group(1, key)


def _check_labels(found: Findings, entry: Entry, labels: np.ndarray, classes: int) -> None:
    wrong = labels[~((labels >= 0) & (labels < classes) & (labels == np.floor(labels)))]
    if wrong.size:
        text = f"has label {show_label(float(wrong[0]))}; there are {classes} classes, from 0 on"
        _add_fault(found, entry, "bad-label", text)


def _add_fault(found: Findings, entry: Entry, rule: str, text: str) -> None:
    found.faults.append(Fault(entry.key, rule, entry.place + text))


def _picture(seen: _Seen) -> Picture:
    if seen.sample is None:
        return Picture("?", None, broken=True)
    labels = seen.sample.labels
    label = show_label(float(labels[0])) if labels.size == 1 else ""
    try:
        return Picture(label, seen.sample.image())
    except DataFault:
        return Picture(label, None, broken=True)


def show_label(label: float) -> str:
    """Return a label as it is shown: whole numbers without a point."""
    return str(int(label)) if label.is_integer() else f"{label:g}"
