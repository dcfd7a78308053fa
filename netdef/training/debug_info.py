"""What the solver's `debug_info` shows: mean magnitudes, in the reference's words."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from netdef.ir import Blob
from netdef.torch_backend.executable import Executable
from netdef.training.passes import Objective, Passed


class TracedObjective(Objective):
    """An objective that keeps every value, and its gradient, to tell their magnitudes."""

    def __init__(self, model: Executable) -> None:
        super().__init__(model)
        self.values: dict[Blob, Tensor] = {}

    def forward(self, batch: Mapping[str, Tensor], names: Sequence[str]) -> Passed:
        """Return what `Objective` does."""
        net = self.model.net
        self.values = self.model.trace(batch)
        for value in self.values.values():
            if value.requires_grad and not value.is_leaf:
                value.retain_grad()
        weighted = [self.values[blob].sum() * weight for blob, weight in net.losses]
        last = {name: self.values[blob] for name, blob in net.blobs.items()}
        return (torch.stack(weighted).sum(), *self.summed_up(last, names))

    def lines(self) -> list[str]:
        """Return the magnitudes of the last pass, forward then backward, as the reference has them.

        Forward the tops and parameters of every layer, backward the bottoms and parameters.
        """
        layers = self.model.net.layers
        lines: list[str] = []
        for layer in layers:
            start = f"[Forward] Layer {layer.name}, "
            lines += [f"{start}top blob {b.name} data: {_mean(self.values[b])}" for b in layer.tops]
            lines += [
                f"{start}param blob {p.index} data: {_mean(self.model.tensor_of(p))}"
                for p in layer.params or ()
            ]
        for layer in reversed(layers):
            start = f"[Backward] Layer {layer.name}, "
            lines += [
                f"{start}bottom blob {b.name} diff: {_mean(self.values[b].grad)}"
                for b in layer.bottoms
                if b in self.values and self.values[b].grad is not None
            ]
            lines += [
                f"{start}param blob {p.index} diff: {_mean(self.model.tensor_of(p).grad)}"
                for p in layer.params or ()
                if self.model.tensor_of(p).grad is not None
            ]
        return lines


def _mean(values: Tensor | None) -> str:
    assert values is not None  # noqa: S101 - those without were left out
    return f"{float(values.detach().abs().mean()):.6g}"
