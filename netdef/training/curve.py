"""The learning curve, as a drawing."""

from pathlib import Path

from netdef.source import replacing
from netdef.training.events import Evaluation, Listener, Progress


class Curve(Listener):
    """Gathers losses and scores, and draws them against the iteration."""

    def __init__(self) -> None:
        """Start empty."""
        self._loss: list[tuple[int, float]] = []
        self._scores: dict[str, list[tuple[int, float]]] = {}

    def progress(self, progress: Progress) -> None:
        """Take the training loss."""
        self._loss.append((progress.iteration, progress.loss))

    def tested(self, result: Evaluation) -> None:
        """Take the scores of a test, those of one element."""
        many = f" (test net {result.net})" if result.net else ""
        for name, values in result.scores.items():
            if len(values) == 1:
                points = self._scores.setdefault(f"test {name}{many}", [])
                points.append((result.iteration, values[0]))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self._loss and not self._scores

    def write(self, path: Path, title: str) -> None:
        """Write an SVG: losses on the left axis, scores that stay within 0 and 1 on the right.

        Raises:
            NetdefError: The file cannot be written.
        """
        import matplotlib

        matplotlib.use("svg")
        # Text stays text, and equal curves give equal bytes.
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "netdef"})
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 4.5), layout="constrained")
        left = figure.add_subplot()
        right = left.twinx()
        shares = {k for k, points in self._scores.items() if all(0 <= v <= 1 for _, v in points)}
        shares = {name for name in shares if "loss" not in name}
        if self._loss:
            left.plot(*zip(*self._loss, strict=True), color="#6b7a8f", lw=1, label="training loss")
        colours = iter(("#0b66c3", "#c3500b", "#1d8348", "#8e44ad", "#b03a2e", "#117a65") * 9)
        for name, points in self._scores.items():
            axis = right if name in shares else left
            xs, ys = zip(*points, strict=True)
            axis.plot(xs, ys, color=next(colours), marker="o", ms=3, label=name)
        left.set(xlabel="iteration", ylabel="loss", title=title)
        left.set_ylim(bottom=0)
        left.grid(alpha=0.3)
        right.set_visible(bool(shares))
        right.set(ylabel="score", ylim=(0, 1.02))
        lines = [*left.get_lines(), *right.get_lines()]
        figure.legend(
            lines, [str(line.get_label()) for line in lines], loc="outside lower center", ncols=4
        )
        with replacing(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})
