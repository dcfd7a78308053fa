"""What a layer costs to compute."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Operations of one forward pass over the whole batch.

    Attributes:
        macs: Multiply-accumulates.
        other: Other arithmetic: additions, comparisons, exponentials, one each.
    """

    macs: int = 0
    other: int = 0
