"""Which records one of several processes reads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A part of the records, in batches; together the processes read every record once.

    Attributes:
        rank: The number of this process, from 0.
        count: How many there are.
        whole: Whether it takes every `count`-th batch; otherwise every `count`-th record, as the
            reference does in training.
    """

    rank: int = 0
    count: int = 1
    whole: bool = False

    def records(self, start: int, size: int) -> range:
        """Return the numbers of the records in its batch of `size`, `start` read before by all."""
        if self.whole:
            return range(start + self.rank * size, start + (self.rank + 1) * size)
        return range(start + self.rank, start + self.count * size, self.count)


WHOLE = Share()
"""All records."""
