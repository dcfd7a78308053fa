"""The data of a solver's nets, and how far it was read."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from netdef.data.bad_records import BadRecords
from netdef.data.loader import Batches, batches, fed_by_others
from netdef.data.program_feed import Given, kept
from netdef.ir import Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, NetdefError, error
from netdef.training.randomness import mix
from netdef.training.workers import Workers


class NetData:
    """Batches for a train net and its test nets.

    Every worker reads its own part. `cursors` tell what all of them have read.
    """

    def __init__(
        self,
        nets: Sequence[Net],
        seed: int,
        device: torch.device,
        workers: Workers,
        bad: BadRecords | None = None,
        feeds: Sequence[Given | None] | None = None,
    ) -> None:
        """Open the sources of all nets, the train net first.

        Args:
            nets: The nets.
            seed: The seed of the run.
            device: Where batches are put.
            workers: The processes that train together.
            bad: What to do about damaged records; None ends the run at the first.
            feeds: What the program gives for the Input and MemoryData layers of each net.

        Raises:
            NetdefError: Sources are missing or damaged, or nothing is given for a layer; all of
                them listed.
        """
        self.nets = list(nets)
        self.feeds = [kept(given) for given in feeds or [None] * len(nets)]
        self.device = device
        self.workers = workers
        self.bad = bad
        self._open: list[Batches] = []
        self.go_to([0] * len(nets), seed)

    def go_to(self, cursors: Sequence[int], seed: int) -> None:
        """Read on after as many records per net, with the random numbers of `seed`."""
        for data in self._open:
            data.close()
        self._open, faults = [], list[Diagnostic]()
        for i, (net, cursor, given) in enumerate(zip(self.nets, cursors, self.feeds, strict=True)):
            share = self.workers.share("batches" if i else "records")
            if given is None and fed_by_others(net):
                faults += _nothing_given(net, "test_feed" if i else "feed")
                continue
            try:
                self._open.append(
                    batches(net, mix(seed, -1 - i), cursor, self.device, share, self.bad, given)
                )
            except NetdefError as fault:
                faults += fault.diagnostics
        if faults:
            raise NetdefError(faults)

    @property
    def cursors(self) -> list[int]:
        """Records read so far of each net's data, by all workers."""
        return [data.cursor for data in self._open]

    @property
    def batch_size(self) -> int:
        """Records per batch of the train net, of one worker."""
        return self._open[0].batch_size

    def next_train(self) -> dict[str, Tensor]:
        """Return the next batch of the train net."""
        return next(self._open[0])

    def of_test(self, index: int, iterations: int) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """Yield this worker's part of the next batches of a test net, each with its number."""
        data = self._open[1 + index]
        start = data.cursor
        for number in range(self.workers.rank, iterations, self.workers.count):
            yield number, next(data)
        if self.workers.count > 1:
            data.seek(start + iterations * data.batch_size)


def _nothing_given(net: Net, argument: str) -> list[Diagnostic]:
    note = f"train from Python: netdef.Solver(..., {argument}=...)"
    return [
        error(
            "missing-input",
            f"layer `{layer.name}` of type {layer.type} is fed by the program that trains, and "
            "nothing is given",
            place_of(layer),
            note=note,
        )
        for layer in fed_by_others(net)
    ]
