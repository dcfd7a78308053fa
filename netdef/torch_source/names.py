"""Names in source, from names in nets."""

import keyword
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

_SEPARATORS = "_/-. :"
_PARTS = re.compile(r"[^_/\-. :]+")


def identifier(name: str, digit: str = "x") -> str:
    """Return a name as an identifier; one that begins with a digit follows `digit` and `_`."""
    shown = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or digit
    if shown[0].isdigit():
        shown = f"{digit}_{shown}"
    return f"{shown}_" if keyword.iskeyword(shown) else shown


def said(name: str) -> str:
    """Return a name for a comment; what could end the comment is replaced."""
    return re.sub(r"[^\w ,/.:#-]", "_", name)


class Names:
    """Gives out names, each once.

    Args:
        taken: Says which names are somebody else's.
    """

    def __init__(self, taken: Callable[[str], bool] = lambda _: False) -> None:
        self._taken = taken
        self._given: set[str] = set()

    def free(self, name: str) -> bool:
        """Whether nobody has a name."""
        return name not in self._given and not self._taken(name)

    def new(self, wanted: str) -> str:
        """Return the wanted name, or one like it."""
        name = f"{wanted}_" if self._taken(wanted) else wanted
        base, number = name, 2
        while name in self._given or self._taken(name):
            name, number = f"{base.rstrip('_')}_{number}", number + 1
        self._given.add(name)
        return name


def common_name(names: Sequence[str]) -> str:
    """Return the parts that some names begin with, or "": `a/x_1` and `a/x_2` give `a/x`."""
    first = set(beginnings(names[0])) if names else set[str]()
    for name in names[1:]:
        first.intersection_update(beginnings(name))
    return max(first, key=len, default="")


def beginnings(name: str) -> list[str]:
    """Return what a name begins with, part by part; the last one is the name itself."""
    return [name[: part.end()] for part in _PARTS.finditer(name)]


def _beginning(names: Iterable[str]) -> str:
    """Return the letters that all names begin with."""
    columns = zip(*names, strict=False)
    return "".join(column[0] for column in takewhile(lambda c: len(set(c)) == 1, columns))


def without_prefix(name: str, prefix: str) -> str:
    """Return what follows the prefix and separators; the name itself if that is nothing."""
    return name.removeprefix(prefix).lstrip(_SEPARATORS) or name


def shared_parts(names: Sequence[str]) -> str:
    """Return the parts that several names have in common; the first if they have other numbers.

    `bn2a_branch1` and `bn3a_branch1` give `bn_branch1`.
    """
    split = [_PARTS.findall(name) for name in names]
    if len({len(parts) for parts in split}) != 1:
        return names[0]
    kept = [_shared(column) for column in zip(*split, strict=True)]
    return "_".join(part for part in kept if part) or names[0]


def _shared(column: Sequence[str]) -> str:
    if len(set(column)) == 1:
        return column[0]
    return _beginning(column).rstrip("0123456789")


def class_name(names: Iterable[str]) -> str:
    """Return a name for the class of `fire2`, `fire3`: `Fire`; "" where they are not alike."""
    letters = re.match(r"[A-Za-z]*", _beginning(name.lower() for name in names))
    word = letters.group() if letters else ""
    return f"{word[:1].upper()}{word[1:]}" if len(word) > 1 else ""
