"""What the schema's text says of its messages, fields and enums: the comment above each."""

import re
from functools import cache
from pathlib import Path

_DECLARATION = re.compile(r"(?:message|enum) (\w+) \{|(?:\w+ [\w.]+ )?(\w+) = \d+\b.*;")


def doc_of(full_name: str) -> str:
    """Return the one line of documentation of a message, field, enum or value.

    Args:
        full_name: Such as `netdef.PoolingParameter.pool`; a value is named within its enum:
            `netdef.PoolingParameter.PoolMethod.MAX`.

    Returns:
        The line, or "" for what is not of the schema, such as the fields that a plug-in brings.
    """
    return _docs().get(full_name, "")


@cache
def _docs() -> dict[str, str]:
    docs: dict[str, str] = {}
    scope, comment = ["netdef"], ""
    for line in map(str.strip, _text().splitlines()):
        declaration = _DECLARATION.fullmatch(line)
        if line.startswith("// "):
            comment = line[3:]
        elif line == "}":
            scope.pop()
        elif declaration:
            name = declaration[1] or declaration[2]
            docs[".".join([*scope, name])] = comment
            if declaration[1]:
                scope.append(name)
    return docs


def _text() -> str:
    """Return the text of the schema: in a wheel it is inside the package, else beside it."""
    package = Path(__file__).parents[1]
    inside = package / "_data" / "proto" / "netdef.proto"
    path = inside if inside.exists() else package.parent / "proto" / "netdef.proto"
    return path.read_text(encoding="utf-8")
