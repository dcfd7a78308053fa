"""Learning-rate policies: the rate of an iteration, counted from 0, before its update."""

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

Policy = Callable[[Any, int], float]
"""Takes the SolverParameter and the iteration; returns the rate."""


def fixed(solver: Any, iteration: int) -> float:
    """base_lr."""
    del iteration
    return solver.base_lr


def step(solver: Any, iteration: int) -> float:
    """base_lr * gamma ^ floor(iteration / stepsize)."""
    return solver.base_lr * solver.gamma ** (iteration // solver.stepsize)


def exp(solver: Any, iteration: int) -> float:
    """base_lr * gamma ^ iteration."""
    return solver.base_lr * solver.gamma**iteration


def inv(solver: Any, iteration: int) -> float:
    """base_lr * (1 + gamma * iteration) ^ -power."""
    return solver.base_lr * (1 + solver.gamma * iteration) ** -solver.power


def multistep(solver: Any, iteration: int) -> float:
    """base_lr * gamma ^ (number of stepvalues reached)."""
    return solver.base_lr * solver.gamma ** bisect_right(sorted(solver.stepvalue), iteration)


def poly(solver: Any, iteration: int) -> float:
    """base_lr * (1 - iteration / max_iter) ^ power."""
    return solver.base_lr * (1 - iteration / solver.max_iter) ** solver.power


def sigmoid(solver: Any, iteration: int) -> float:
    """base_lr / (1 + exp(-gamma * (iteration - stepsize)))."""
    return solver.base_lr / (1 + math.exp(-solver.gamma * (iteration - solver.stepsize)))


POLICIES: dict[str, Policy] = {
    "fixed": fixed,
    "step": step,
    "exp": exp,
    "inv": inv,
    "multistep": multistep,
    "poly": poly,
    "sigmoid": sigmoid,
}

NEEDS: dict[str, tuple[str, ...]] = {
    "fixed": (),
    "step": ("gamma", "stepsize"),
    "exp": ("gamma",),
    "inv": ("gamma", "power"),
    "multistep": ("gamma", "stepvalue"),
    "poly": ("power", "max_iter"),
    "sigmoid": ("gamma", "stepsize"),
}
"""The fields that each policy reads beside base_lr."""
