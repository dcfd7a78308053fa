"""What a run does about records that cannot be read."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Literal, get_args

OnBadRecord = Literal["stop", "skip"]
"""Whether a damaged record ends the run, or the next good one stands in for it."""


class BadRecords:
    """The damaged records that a run has met, and what it does about them.

    The record that stands in depends on nothing but the data: a run that is resumed, or shared by
    several processes, learns from the same.

    Attributes:
        skip: Whether others stand in for them; otherwise they end the run.
    """

    def __init__(
        self, policy: OnBadRecord = "stop", tell: Callable[[str], None] | None = None
    ) -> None:
        """Meet none yet.

        Args:
            policy: What to do about them.
            tell: Who is told of each, once, in a sentence without a full stop.

        Raises:
            ValueError: There is no such policy.
        """
        if policy not in get_args(OnBadRecord):
            raise ValueError(f"on_bad_record is {policy!r}, not one of {get_args(OnBadRecord)}")
        self.skip = policy == "skip"
        self._tell = tell
        self._met: set[tuple[Path, bytes]] = set()
        self._news: list[str] = []
        self._lock = Lock()

    @property
    def count(self) -> int:
        """How many different ones were met."""
        return len(self._met)

    def met(self, source: Path, key: bytes, text: str) -> None:
        """Note a record; from any thread."""
        with self._lock:
            if (source, key) in self._met:
                return
            self._met.add((source, key))
            self._news.append(f"warning: {text}; skipped ({self.count:,} so far)")

    def report(self) -> None:
        """Tell of those that were met since the last time, on the thread that calls."""
        with self._lock:
            news, self._news = self._news, []
        if self._tell is not None:
            for text in news:
                self._tell(text)
