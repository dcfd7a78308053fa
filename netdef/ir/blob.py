"""A value that flows between layers."""

from dataclasses import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Blob:
    """One version of a blob's name; an in-place layer makes the next one.

    Attributes:
        name: The name as the file has it.
        version: 0 for the first value of this name, 1 after the first in-place layer, and so on.
        shape: All integers, or None when the shape is not known.
        dynamic: Whether the shape is an upper bound, because the size depends on the data.
    """

    name: str
    version: int = 0
    shape: Shape | None = None
    dynamic: bool = False

    @property
    def id(self) -> str:
        """The name, made unique within its net: `conv1`, then `conv1#1`."""
        return f"{self.name}#{self.version}" if self.version else self.name


def show_shape(shape: Shape | None) -> str:
    """Return a shape as it is written in messages: (64, 1, 28, 28), or "unknown"."""
    return "unknown" if shape is None else f"({', '.join(map(str, shape))})"
