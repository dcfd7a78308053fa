"""What a facet says when it cannot go on: data, without places."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that makes no sense.

    Attributes:
        path: The field inside the layer: `stride`, `kernel_size[1]`, `bottom[1]`.
        message: One sentence without a full stop.
        rule: The rule of the diagnostic.
        note: What would mend it.
        bottom: The bottom whose shape it speaks of, where that is not the field.
        because: Other fields that made it so, shown where the file gives them.
    """

    path: str
    message: str
    rule: str = "bad-value"
    note: str | None = None
    bottom: int | None = None
    because: tuple[str, ...] = ()


class Fault(Exception):
    """A layer that cannot be what the file says.

    Attributes:
        problems: All that is wrong with it.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class Unsupported(Exception):
    """A facet that does not exist for this layer, with the reason."""
