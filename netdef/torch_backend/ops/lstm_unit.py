"""One step of an LSTM, without its weights."""

from torch import Tensor, nn


class LSTMUnit(nn.Module):
    """The new cell and the output, (1, N, D) each."""

    def forward(self, cell: Tensor, gates: Tensor, marker: Tensor) -> tuple[Tensor, Tensor]:
        """Take one step.

        Args:
            cell: The cell of the step before, (1, N, D).
            gates: The sums of the gates i, f, o, g, (1, N, 4D).
            marker: (1, N): 0 where a sequence begins, 1 where it goes on.
        """
        i, f, o, new = gates.chunk(4, -1)
        kept = f.sigmoid() * (cell * marker.unsqueeze(-1))
        c = kept + i.sigmoid() * new.tanh()
        return c, o.sigmoid() * c.tanh()
