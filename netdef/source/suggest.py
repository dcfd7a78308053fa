"""Near names, for "did you mean"."""

from collections.abc import Iterable


def near_names(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return the known names that `name` may be a slip of, nearest first."""
    from difflib import get_close_matches

    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(fold(candidate), candidate)
    close = get_close_matches(fold(name), list(by_folded), n=most, cutoff=0.7)
    return [by_folded[f] for f in close]


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return "did you mean `x` or `y`?", or None when nothing is near."""
    candidates = near_names(name, known)
    sure = [n for n in candidates if fold(n) == fold(name) or one_edit_apart(n, name)]
    near = [f"`{n}`" for n in sure or candidates]
    return f"did you mean {' or '.join(near)}?" if near else None


def fold(name: str) -> str:
    """Return the name without case and underscores."""
    return name.replace("_", "").lower()


def one_edit_apart(a: str, b: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours makes `a` into `b`."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest_a, rest_b = a[start:], b[start:]
    if len(a) == len(b):
        swapped = rest_a[1:2] + rest_a[:1] + rest_a[2:]
        return rest_a[1:] == rest_b[1:] or swapped == rest_b
    return rest_a[1:] == rest_b if len(a) > len(b) else rest_a == rest_b[1:]
