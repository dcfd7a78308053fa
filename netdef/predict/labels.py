"""The names of classes."""

import re
from collections.abc import Mapping
from pathlib import Path

from netdef.frontend.nodes import Block, Scalar
from netdef.frontend.parse import parse
from netdef.frontend.upgrade.tree import text_of
from netdef.source import NetdefError, SourceFile, error, read

_SYNSET = re.compile(r"n\d{8}\s+(\S.*)")
_LABELMAP = re.compile(r"(?:\s|#[^\n]*\n)*item\s*[{<:]")


def read_labels(path: str | Path) -> dict[int, str]:
    """Return the names of the classes by number.

    Args:
        path: A text with a name in every line, from class 0 on; where every line begins with an
            identifier of WordNet, as in Caffe's synset_words.txt, that is left out. Or a labelmap
            of SSD: `item { name: "n02691156" label: 1 display_name: "aeroplane" }`.

    Raises:
        NetdefError: The file is missing, or holds none (rule `bad-labels`).
    """
    file = read(path)
    labels = _labelmap(file) if _LABELMAP.match(file.text) else _lines(file)
    if not labels:
        raise NetdefError(error("bad-labels", f"{path} holds no labels"))
    return labels


def check_labels(labels: Mapping[int, str], classes: int) -> None:
    """See that every class has a name and there are no more.

    Raises:
        NetdefError: It is not so (rule `bad-labels`).
    """
    if labels and labels.keys() != set(range(classes)):
        text = f"there are {len(labels):,} labels, but the net has {classes:,} classes"
        raise NetdefError(error("bad-labels", text))


def _lines(file: SourceFile) -> dict[int, str]:
    lines = [line.strip() for line in file.text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    synsets = [_SYNSET.fullmatch(line) for line in lines]
    return {
        number: match[1] if match and all(synsets) else line
        for number, (line, match) in enumerate(zip(lines, synsets, strict=True))
    }


def _labelmap(file: SourceFile) -> dict[int, str]:
    document, faults = parse(file)
    if faults:
        raise NetdefError(faults)
    labels: dict[int, str] = {}
    for item in document.all("item"):
        number = item.first("label") if isinstance(item, Block) else None
        if not isinstance(item, Block) or not isinstance(number, Scalar):
            continue
        if number.raw.isdecimal():
            labels[int(number.raw)] = text_of(item.first("display_name") or item.first("name"))
    return labels
