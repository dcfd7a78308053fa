"""The course of a run: what curves are drawn from."""

from dataclasses import dataclass, field

from netdef.training.events import Evaluation, Listener, Progress, Scores

Series = dict[int, float]
"""A value by iteration."""

MEASURES = ("loss", "rate", "gradient-norm", "speed")
"""What every training has: objective, learning rate, norm of the gradients, images/s."""


@dataclass
class History(Listener):
    """Keeps what was told of a run, also by a log that is read.

    Of an iteration that is told of twice, as after resuming, the later account holds.

    Attributes:
        name: What the run is called.
        measures: The course of each of `MEASURES`, as far as it is known.
        outputs: Outputs of the train net, by name; elements of larger ones as `name[i]`.
        scores: Outputs of the test nets, by the net's number and name.
        losses: Names of outputs that are known to be losses.
    """

    name: str = ""
    measures: dict[str, Series] = field(default_factory=dict[str, Series])
    outputs: dict[str, Series] = field(default_factory=dict[str, Series])
    scores: dict[tuple[int, str], Series] = field(default_factory=dict[tuple[int, str], Series])
    losses: set[str] = field(default_factory=set[str])

    def progress(self, progress: Progress) -> None:
        """Take loss, rate, norm, speed and outputs."""
        iteration = progress.iteration
        self.measure("loss", iteration, progress.loss)
        self.measure("rate", iteration, progress.rate)
        if progress.gradient_norm is not None:
            self.measure("gradient-norm", iteration, progress.gradient_norm)
        if progress.seconds:
            self.measure("speed", iteration, progress.images / progress.seconds)
        for name, value in elements(progress.outputs):
            self.output(name, iteration, value)

    def tested(self, result: Evaluation) -> None:
        """Take the scores of a test."""
        self.losses.update(result.loss_weights)
        for name, value in elements(result.scores):
            self.score(result.net, name, result.iteration, value)

    def measure(self, name: str, iteration: int, value: float) -> None:
        """Take one of `MEASURES`."""
        self.measures.setdefault(name, {})[iteration] = value

    def output(self, name: str, iteration: int, value: float) -> None:
        """Take an output of the train net."""
        self.outputs.setdefault(name, {})[iteration] = value

    def score(self, net: int, name: str, iteration: int, value: float) -> None:
        """Take an output of a test net."""
        self.scores.setdefault((net, name), {})[iteration] = value

    def rewind(self, iteration: int) -> None:
        """Forget what was told of `iteration` and later: the run went on from there once more."""
        for kind in (self.measures, self.outputs, self.scores):
            for series in kind.values():
                for late in [i for i in series if i >= iteration]:
                    del series[late]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        kinds = (self.measures, self.outputs, self.scores)
        return not any(series for kind in kinds for series in kind.values())

    def is_loss(self, name: str) -> bool:
        """Return whether an output is a loss: known to be one, or by its name."""
        return name.partition("[")[0] in self.losses or "loss" in name.lower()


def elements(scores: Scores) -> list[tuple[str, float]]:
    """Return every element of every output with a name: `accuracy`, `histogram[3]`."""
    return [
        (name if len(values) == 1 else f"{name}[{index}]", value)
        for name, values in scores.items()
        for index, value in enumerate(values)
    ]
