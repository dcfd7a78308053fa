"""One pass of a net in training: forward to the objective."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from netdef.torch_backend.executable import Executable

Passed = tuple[Tensor, Tensor, dict[str, Tensor]]
"""The objective (with its graph), the main loss, and the outputs asked for (without)."""


class Objective(nn.Module):
    """Computes what training minimises; a module, so that it can be wrapped.

    Attributes:
        model: The net.
        main: Names and weights of the losses with the largest weight; the others are auxiliary.
    """

    def __init__(self, model: Executable) -> None:
        super().__init__()
        self.model = model
        losses = model.net.losses
        largest = max((weight for _, weight in losses), default=0.0)
        self.main = {blob.name: weight for blob, weight in losses if weight == largest}

    def forward(self, batch: Mapping[str, Tensor], names: Sequence[str]) -> Passed:
        """Return the objective, the main loss and outputs for a batch."""
        objective, values = self.model.objective(batch, [*self.main, *names])
        return (objective, *self.summed_up(values, names))

    def summed_up(
        self, values: Mapping[str, Tensor], names: Sequence[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the main loss and the outputs, of values by name."""
        main = sum(values[name].detach().sum() * weight for name, weight in self.main.items())
        assert isinstance(main, Tensor)  # noqa: S101 - a net without a loss is refused before
        return main, {name: values[name].detach() for name in names}
