"""Which test was the best, and whether they still get better."""

from dataclasses import dataclass

from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.training.events import Evaluation


@dataclass
class Monitor:
    """Watches one output of the first test net.

    An output with a loss weight gets better by falling, any other (an accuracy) by rising. Of an
    output with several elements it is their mean.

    Attributes:
        output: Its name; "" for the net's first output.
        best: The best score so far; None before the first test.
        stale: Tests in a row that were not better than the best before.
    """

    output: str = ""
    best: float | None = None
    stale: int = 0

    def observe(self, result: Evaluation) -> bool:
        """Take a test into account and return whether it is the best so far.

        Raises:
            NetdefError: The net has no such output.
        """
        name = self.output or next(iter(result.scores))
        if name not in result.scores:
            note = did_you_mean(name, result.scores) or f"it has {', '.join(result.scores)}"
            text = f"the test net has no output `{name}` to monitor"
            raise NetdefError(error("unknown-blob", text, note=note))
        values = result.scores[name]
        score = sum(values) / len(values)
        falling = name in result.loss_weights
        better = self.best is None or (score < self.best if falling else score > self.best)
        if better:
            self.best = score
        self.stale = 0 if better else self.stale + 1
        return better
