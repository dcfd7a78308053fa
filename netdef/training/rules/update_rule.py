"""What every update rule shares: groups of parameters, clipping, accumulation, decay."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor


@dataclass
class Group:
    """Parameters with the same multipliers, updated by the same few kernels.

    Attributes:
        params: The parameters.
        lr_mult: Factor on the rate.
        decay_mult: Factor on the weight decay.
        histories: Per kind of history, a tensor per parameter.
    """

    params: list[Tensor]
    lr_mult: float
    decay_mult: float
    histories: list[list[Tensor]] = field(default_factory=list[list[Tensor]])


class UpdateRule:
    """Turns gradients into new parameters, all parameters of a group at once.

    Subclasses say how many histories they keep and how a group moves.
    """

    kinds: ClassVar[int] = 1
    """How many histories a parameter has."""
    decays_gradient: ClassVar[bool] = True
    """Whether the regularisation is added to the gradient; otherwise `move` sees to it."""

    def __init__(self, solver: Any, params: Sequence[tuple[Tensor, float, float]]) -> None:
        """Prepare for parameters, each with its lr_mult and decay_mult."""
        self.solver = solver
        groups: dict[tuple[float, float], Group] = {}
        for param, lr_mult, decay_mult in params:
            key = (lr_mult, decay_mult)
            groups.setdefault(key, Group([], *key)).params.append(param)
        self.groups = list(groups.values())
        for group in self.groups:
            group.histories = [
                [torch.zeros_like(p) for p in group.params] for _ in range(self.kinds)
            ]

    def histories(self) -> dict[Tensor, list[Tensor]]:
        """Return the histories of every parameter, live."""
        return {
            param: [kind[i] for kind in group.histories]
            for group in self.groups
            for i, param in enumerate(group.params)
        }

    @torch.no_grad()
    def update(self, rate: float, iteration: int) -> None:
        """Move the parameters by their gradients, which are the sum over iter_size passes.

        The order is the reference's: clip the raw sum, divide by iter_size, add the decay, update.
        """
        gradients = [self._gradients(group) for group in self.groups]
        self._clip([g for of_group in gradients for g in of_group])
        for group, of_group in zip(self.groups, gradients, strict=True):
            if self.solver.iter_size > 1:
                torch._foreach_div_(of_group, float(self.solver.iter_size))
            self._decay(group, of_group)
            self.move(group, of_group, rate * group.lr_mult, iteration)

    def zero_gradients(self) -> None:
        """Forget the gradients."""
        for group in self.groups:
            for param in group.params:
                param.grad = None

    def move(self, group: Group, gradients: list[Tensor], rate: float, iteration: int) -> None:
        """Update the parameters and histories of a group; may overwrite `gradients`."""
        raise NotImplementedError

    def gradients(self) -> list[Tensor]:
        """Return the gradients of all parameters that have one, live."""
        params = (p for group in self.groups for p in group.params)
        return [p.grad for p in params if p.grad is not None]

    def gradient_norm(self, factor: float = 1.0) -> float:
        """Return the L2 norm of the mean gradient of an iteration, of a loss that had a factor."""
        found = self.gradients()
        if not found:
            return 0.0
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(found)))
        return float(norm) / (factor * self.solver.iter_size)

    def _gradients(self, group: Group) -> list[Tensor]:
        # A parameter that the loss did not reach has the gradient 0, and still decays.
        return [torch.zeros_like(p) if p.grad is None else p.grad for p in group.params]

    def _clip(self, gradients: list[Tensor]) -> None:
        limit = self.solver.clip_gradients
        if limit < 0 or not gradients:
            return
        norms = torch._foreach_norm(gradients)
        norm = torch.linalg.vector_norm(torch.stack(norms))
        # Stays on the device: no waiting for the norm before the update is queued.
        torch._foreach_mul_(gradients, torch.clamp(limit / norm, max=1.0))

    def decay_of(self, group: Group) -> float:
        """Return the strength of the regularisation of a group."""
        return self.solver.weight_decay * group.decay_mult

    def penalties(self, group: Group) -> list[Tensor]:
        """Return the gradient of the regularisation: the parameters, or for L1 their signs."""
        if self.solver.regularization_type == "L1":
            return list(torch._foreach_sign(group.params))
        return group.params

    def descend(
        self, params: list[Tensor], steps: list[Tensor], squares: list[Tensor], rate: float
    ) -> None:
        """Subtract rate * steps / (sqrt(squares) + delta)."""
        divisors = torch._foreach_sqrt(squares)
        torch._foreach_add_(divisors, self.solver.delta)
        torch._foreach_addcdiv_(params, steps, divisors, value=-rate)

    def _decay(self, group: Group, gradients: list[Tensor]) -> None:
        decay = self.decay_of(group)
        if decay and self.decays_gradient:
            torch._foreach_add_(gradients, self.penalties(group), alpha=decay)
