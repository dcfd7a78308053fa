"""What the docstring of a layer type says, by parts."""

import inspect
from dataclasses import dataclass

from netdef.contract.layer_type import LayerType

_FORKS = "Forks:"


@dataclass(frozen=True, slots=True)
class Documentation:
    """The docstring of a layer type.

    Attributes:
        purpose: What the type does, in one line.
        description: Formula, bottoms and tops, effects of fields, what is easy to get wrong.
        forks: How forks differ, or which of them the type comes from; "" where nothing is known.
    """

    purpose: str
    description: str
    forks: str


def documentation(kind: LayerType) -> Documentation:
    """Return what the docstring says; a paragraph that starts with "Forks:" is about forks.

    A list or an indented block after such a paragraph belongs to it.
    """
    purpose, _, rest = (inspect.getdoc(kind) or "").partition("\n")
    description: list[str] = []
    forks: list[str] = []
    part = description
    for paragraph in rest.strip("\n").split("\n\n"):
        if paragraph.startswith(_FORKS):
            part = forks
            paragraph = paragraph.removeprefix(_FORKS).lstrip()
        elif not paragraph.startswith(("- ", "  ")):
            part = description
        part.append(paragraph)
    return Documentation(purpose, *("\n\n".join(filter(None, p)) for p in (description, forks)))
