"""Whole batches that the program gives: by a function, or one after the other."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean

GivenBatch = Mapping[str, Any]
"""Values, tensors or numpy arrays, by the names of tops."""

Given = Mapping[str, Any] | Callable[[int], GivenBatch] | Iterable[GivenBatch]
"""What a program gives for the tops of Input and MemoryData layers: arrays to be cut into batches
(see ArrayFeed); or whole batches, which are taken as they are: a function from the number of the
batch, a list of batches or another sequence, gone through again and again, or another iterable such
as a DataLoader, started anew when it ends."""

_AGAIN = "a list, a function or a DataLoader can be read again and again"


class ProgramFeed:
    """Batches by their number, of a function or an iterable.

    Nothing is asked for before it is needed, and on the thread that needs it: what is given may
    depend on how the training goes.
    """

    def __init__(self, source: Callable[[int], GivenBatch] | Iterable[GivenBatch]) -> None:
        """Take the source; nothing is read yet."""
        self._source = source
        self._iterator: Iterator[GivenBatch] | None = None
        self._position = 0

    def batch(self, number: int, own: int, names: Sequence[str]) -> GivenBatch:
        """Return a batch.

        Args:
            number: Its number among those of all processes, for functions and sequences.
            own: Its number among those of this process, for iterables, of which each process has
                its own; those before it are passed over.
            names: The tops that it must have.

        Raises:
            NetdefError: There is none, or it has other names.
        """
        source = self._source
        if callable(source):
            batch = source(number)
        elif isinstance(source, Sequence):
            batch = source[number % len(source)] if len(source) else self._none()
        else:
            batch = self._following(source, own)
        if not isinstance(batch, Mapping):
            text = f"the feed gave a {type(batch).__name__}; a batch is a dict by names of tops"
            raise NetdefError(error("bad-value", text))
        _check_names(batch, names)
        return batch

    def _following(self, source: Iterable[GivenBatch], own: int) -> GivenBatch:
        if self._iterator is None or own < self._position:
            if self._iterator is source:
                text = "the feed cannot go back to earlier batches: it is an iterator"
                raise NetdefError(error("no-data", text, note=_AGAIN))
            self._iterator, self._position = iter(source), 0
        while True:
            batch = next(self._iterator, None)
            if batch is None:  # its end: once more from the start
                ended, self._iterator = self._iterator, iter(source)
                batch = None if self._iterator is ended else next(self._iterator, None)
            if batch is None:
                return self._none()
            self._position += 1
            if self._position > own:
                return batch

    def _none(self) -> GivenBatch:
        text = f"the feed ended after {self._position:,} batches"
        raise NetdefError(error("no-data", text, note=_AGAIN))


def kept(given: Given | None) -> "Mapping[str, Any] | ProgramFeed | None":
    """Return what was given; batches such that it is known how far they were read."""
    if given is None or isinstance(given, Mapping):
        return cast("Mapping[str, Any] | None", given)
    return ProgramFeed(given)


def _check_names(batch: GivenBatch, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in batch]
    if missing:
        text = f"the feed gives no {' and no '.join(f'`{name}`' for name in missing)}"
        known = ", ".join(f"`{name}`" for name in batch) or "nothing"
        raise NetdefError(error("missing-input", text, note=f"it gives {known}"))
    for name in batch:
        if name not in names:
            text = f"the feed gives `{name}`, which is no top of an Input or MemoryData layer"
            raise NetdefError(error("unknown-blob", text, note=did_you_mean(name, names)))
