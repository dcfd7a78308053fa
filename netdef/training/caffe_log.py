"""The text that Caffe logs while it trains, of any of its times.

A line that tells something has the form of one of

    Iteration 100 (2.5 iter/s, 40s/100 iters), loss = 0.23      since 2016
    Iteration 100, loss = 0.23                                  before, and at the end
    Iteration 100, lr = 0.01
        Train net output #0: loss = 0.23 (* 1 = 0.23 loss)
    Iteration 500, Testing net (#0)
        Test net output #0: accuracy = 0.98
    Testing net                                                 2013: followed by
    Test score #0: 0.98

behind whatever the logging library puts in front.
"""

import re

from netdef.training.events import Scores
from netdef.training.history import History, elements

_NUMBER = r"(-?1\.#\w+|[-+]?(?:\d[\d.]*(?:[eE][-+]?\d+)?|nan|inf))"
_LOSS = re.compile(rf"\bIteration (\d+)(?: \([^)]*\))?,(?: [^=]*,)? loss = ?{_NUMBER}")
_RATE = re.compile(rf"\bIteration (\d+), lr = ?{_NUMBER}")
_TEST = re.compile(r"(?:\bIteration (\d+), )?\bTesting net\b(?: \(#(\d+)\))?")
_OUTPUT = re.compile(rf"\b(Train|Test) net output #\d+: (.+?) = ?{_NUMBER}( \(\* .*loss\))?")
_SCORE = re.compile(rf"\bTest (score #\d+): {_NUMBER}")


class CaffeLog:
    """Takes lines, and puts what they tell into a history; `end` tells that there are no more."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._iteration = 0
        self._net = 0
        # What was told since the last heading: every element of an output has a line.
        self._outputs: Scores = {}
        self._scores: Scores = {}

    def take(self, line: str) -> bool:
        """Return whether a line told something."""
        if "Iteration " in line or "Testing net" in line:
            return self._take_heading(line)
        return "#" in line and self._take_value(line)

    def _take_heading(self, line: str) -> bool:
        if found := _LOSS.search(line):
            self._go_to(int(found[1]))
            self._history.measure("loss", self._iteration, _number(found[2]))
        elif found := _RATE.search(line):
            self._go_to(int(found[1]))
            self._history.measure("rate", self._iteration, _number(found[2]))
        elif found := _TEST.search(line):
            self._go_to(int(found[1] or self._iteration))
            self._net = int(found[2] or 0)
        return found is not None

    def _take_value(self, line: str) -> bool:
        if found := _OUTPUT.search(line):
            told = self._outputs if found[1] == "Train" else self._scores
            told.setdefault(found[2], []).append(_number(found[3]))
            if found[4]:
                self._history.losses.add(found[2])
        elif found := _SCORE.search(line):
            self._scores.setdefault(found[1], []).append(_number(found[2]))
        return found is not None

    def end(self) -> None:
        """Put what is left into the history."""
        for name, value in elements(self._outputs):
            self._history.output(name, self._iteration, value)
        for name, value in elements(self._scores):
            self._history.score(self._net, name, self._iteration, value)
        self._outputs, self._scores = {}, {}

    def _go_to(self, iteration: int) -> None:
        self.end()
        if iteration < self._iteration:  # the run was resumed, or begun again
            self._history.rewind(iteration)
        self._iteration = iteration


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")  # as Windows writes it: 1.#QNAN, -1.#IND
