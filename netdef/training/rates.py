"""Learning-rate policies: the rate of an iteration, counted from 0, before its update."""

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

Policy = Callable[[Any, int], float]
"""Takes the SolverParameter and the iteration; returns the rate."""


def rate_of(solver: Any, iteration: int, plateau_steps: int = 0) -> float:
    """Return the learning rate of an iteration.

    In the first `warmup_iter` iterations it rises in a line from `warmup_start_lr` to what the
    policy gives (Goyal et al., Accurate, Large Minibatch SGD, 2017).

    Args:
        solver: The SolverParameter.
        iteration: The iteration, from 0.
        plateau_steps: For the policy plateau: how often the loss ceased to fall.
    """
    if solver.lr_policy == PLATEAU:
        rate = solver.base_lr * solver.gamma**plateau_steps
    else:
        rate = POLICIES[solver.lr_policy](solver, iteration)
    if iteration >= solver.warmup_iter:
        return rate
    start = solver.warmup_start_lr
    return start + (rate - start) * iteration / solver.warmup_iter


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


def cosine(solver: Any, iteration: int) -> float:
    """min_lr + (base_lr - min_lr) * (1 + cos(pi * iteration / max_iter)) / 2.

    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2016, without
    restarts.
    """
    share = (1 + math.cos(math.pi * iteration / solver.max_iter)) / 2
    return solver.min_lr + (solver.base_lr - solver.min_lr) * share


POLICIES: dict[str, Policy] = {
    "fixed": fixed,
    "step": step,
    "exp": exp,
    "inv": inv,
    "multistep": multistep,
    "poly": poly,
    "sigmoid": sigmoid,
    "cosine": cosine,
}
"""Those that are functions of the iteration."""

PLATEAU = "plateau"
"""The policy that depends on the loss: see `netdef.training.plateau`."""

NEEDS: dict[str, tuple[str, ...]] = {
    "fixed": (),
    "step": ("gamma", "stepsize"),
    "exp": ("gamma",),
    "inv": ("gamma", "power"),
    "multistep": ("gamma", "stepvalue"),
    "poly": ("power", "max_iter"),
    "sigmoid": ("gamma", "stepsize"),
    "cosine": ("max_iter",),
    PLATEAU: ("gamma", "plateau_winsize"),
}
"""The fields that each policy reads beside base_lr."""
