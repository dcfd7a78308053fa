"""Lines of source that are not too long, broken as ruff and black break them."""

from collections.abc import Iterator

WIDTH = 100
_STEP = 4
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def wrapped(line: str, indent: int = 0) -> list[str]:
    """Return a statement as lines of at most WIDTH columns, where its brackets allow that.

    Args:
        line: The statement, in one line, without indentation.
        indent: Columns before it.
    """
    return _broken(line, indent, "")


def _broken(text: str, indent: int, tail: str) -> list[str]:
    """Return a text with `tail` behind it as lines."""
    whole = f"{' ' * indent}{text}{tail}"
    if len(whole) <= WIDTH:
        return [whole]
    found = _brackets(text)
    if found is None:
        return _in_parentheses(text, indent, tail) or [whole]
    start, end = found
    head, content, rest = text[: start + 1], text[start + 1 : end], text[end:]
    body = " " * (indent + _STEP) + content
    if len(body) <= WIDTH:
        lines = [body]
    else:
        lines = [line for item in _items(content) for line in _broken(item, indent + _STEP, ",")]
    return [f"{' ' * indent}{head}", *lines, f"{' ' * indent}{rest}{tail}"]


def _in_parentheses(text: str, indent: int, tail: str) -> list[str] | None:
    """Return an assignment whose right side stands in parentheses."""
    target, sign, value = text.partition(" = ")
    if not sign or tail:
        return None
    edge = " " * indent
    return [f"{edge}{target} = (", f"{edge}{' ' * _STEP}{value}", f"{edge})"]


def _brackets(text: str) -> tuple[int, int] | None:
    """Return where the brackets to break at begin and end: a def's first, otherwise the last.

    They are of the outermost, and have content.
    """
    found: tuple[int, int] | None = None
    start, depth = 0, 0
    for place, letter in _outside_strings(text):
        if letter in _PAIRS:
            start = place if depth == 0 else start
            depth += 1
        elif letter in _PAIRS.values():
            depth -= 1
            if depth == 0 and place > start + 1:
                found = start, place
                if text.startswith("def "):
                    break
    return found


def _items(content: str) -> Iterator[str]:
    """Yield what stands between the outermost commas."""
    begin, depth = 0, 0
    for place, letter in _outside_strings(content):
        depth += (letter in _PAIRS) - (letter in _PAIRS.values())
        if letter == "," and depth == 0:
            yield content[begin:place].strip()
            begin = place + 1
    if content[begin:].strip():
        yield content[begin:].strip()


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """Yield the places and letters that are in no string."""
    quote, escaped = "", False
    for place, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            escaped = letter == "\\"
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            yield place, letter
