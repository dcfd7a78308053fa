"""From a solver to its state and back: all that a run needs to go on as if nothing had happened."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from netdef.schema import pb
from netdef.training.snapshot import (
    SolverState,
    array_of,
    blob_of,
    check_weights,
    histories_fit,
    read_state,
)

if TYPE_CHECKING:
    from netdef.training.solver import Solver


def state_of(solver: "Solver", weights: Path) -> SolverState:
    """Return the state of a solver whose weights are in the file `weights`."""
    kept = solver.rule.histories()
    histories = [
        np.zeros(param.shape, np.float32)
        if solver.tensor_of(param) not in kept
        else _array(kept[solver.tensor_of(param)][kind])
        for kind in range(solver.rule.kinds)
        for param in solver.params
    ]
    extra = pb.SolverState(random_seed=solver.seed, cursor=solver.data.cursors)
    extra.stale_tests = solver.monitor.stale
    if solver.monitor.best is not None:
        extra.best_score = solver.monitor.best
    if solver.plateau.since or solver.plateau.steps:
        extra.plateau_loss, extra.plateau_iter = solver.plateau.least, solver.plateau.since
    if solver.loss_scale is not None:
        extra.loss_scale, extra.loss_scale_age = solver.loss_scale.factor, solver.loss_scale.age
    if solver.moving_mean is not None:
        extra.ema.extend(blob_of(_array(mean)) for mean in solver.moving_mean.means)
    extra.carried.extend(_carried(state) for state in solver.model.carried())
    return SolverState(solver.iteration, histories, _current_step(solver), weights, extra)


def restore(solver: "Solver", path: Path) -> None:
    """Put a solver into the state in a file; nothing is changed unless everything fits.

    Raises:
        NetdefError: A file is missing, damaged, or belongs to another net or solver.
    """
    state = read_state(path)
    check_weights(state)
    shapes = [param.shape for param in solver.params]
    histories_fit(path, shapes * solver.rule.kinds, state)
    means = [array_of(path, blob) for blob in state.extra.ema]
    carried = [array_of(path, blob) for blob in state.extra.carried]
    solver.model.load_weights(state.weights)
    kept = solver.rule.histories()
    for position, array in enumerate(state.histories):
        kind, index = divmod(position, len(solver.params))
        tensors = kept.get(solver.tensor_of(solver.params[index]))
        if tensors is not None:
            _copy(tensors[kind], array)
    solver.iteration = state.iteration
    extra = state.extra
    solver.monitor.stale = extra.stale_tests
    solver.monitor.best = extra.best_score if extra.HasField("best_score") else None
    solver.plateau.steps = state.current_step
    if extra.HasField("plateau_loss"):
        solver.plateau.least, solver.plateau.since = extra.plateau_loss, extra.plateau_iter
    if solver.loss_scale is not None and extra.HasField("loss_scale"):
        solver.loss_scale.factor, solver.loss_scale.age = extra.loss_scale, extra.loss_scale_age
    if solver.moving_mean is not None:
        # A state without them may be Caffe's: then they start at the weights.
        found = means or [_array(weight) for weight in solver.moving_mean.weights]
        for mean, array in zip(solver.moving_mean.means, found, strict=True):
            _copy(mean, array)
    if carried:
        states = [tuple(torch.from_numpy(array)) if array.size else None for array in carried]
        solver.model.carry(states)
    if extra.HasField("random_seed"):
        solver.seed = extra.random_seed
    read = state.iteration * solver.settings.iter_size * solver.images_per_pass
    cursors = list(extra.cursor) or [read] + [0] * len(solver.tests)
    solver.data.go_to(cursors, solver.seed)


def _current_step(solver: "Solver") -> int:
    s = solver.settings
    if s.lr_policy == "step":
        return solver.iteration // s.stepsize
    if s.lr_policy == "multistep":
        return sum(value <= solver.iteration for value in s.stepvalue)
    return solver.plateau.steps


def _carried(state: tuple[Tensor, ...] | None) -> pb.BlobProto:
    """Return what a layer carries as one blob, (states, N, D), empty for nothing."""
    if state is None:
        return pb.BlobProto(shape=pb.BlobShape(dim=[0]))
    return blob_of(_array(torch.stack(state)))


def _array(values: Tensor) -> np.ndarray:
    return values.detach().float().cpu().contiguous().numpy()


@torch.no_grad()
def _copy(tensor: Tensor, array: np.ndarray) -> None:
    tensor.copy_(torch.from_numpy(array).reshape(tensor.shape))
