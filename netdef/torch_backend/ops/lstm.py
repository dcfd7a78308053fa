"""Caffe's LSTM: time first, with a continuation marker."""

import torch
from torch import Tensor, nn
from torch.nn import functional

State = tuple[Tensor, Tensor]


class LSTM(nn.Module):
    """Long short-term memory over T steps of N sequences with D hidden units.

    The rows of the weights are the gates i, f, o, g, D rows each: `W_xc` (4D, K) for the input,
    `b_c` (4D,), `W_xc_static` (4D, S) for the static input, `W_hc` (4D, D) for the last output.

    With `exposed` the first state is an input and the last one an output. Otherwise the module
    keeps it: a forward pass goes on, without gradient, where the one before it ended, as far as the
    marker lets it, and starts at zero when it is the first, or when the number of sequences, the
    device or the type of the weights has changed.

    Attributes:
        state: The last output and cell, (N, D) each, that the next pass goes on from, or None.
            No buffer: it belongs to a run, not to the net.
    """

    def __init__(
        self, inputs: int, hidden: int, static_inputs: int = 0, exposed: bool = False
    ) -> None:
        super().__init__()
        self.exposed = exposed
        self.state: State | None = None
        self.W_xc = nn.Parameter(torch.empty(4 * hidden, inputs))
        self.b_c = nn.Parameter(torch.empty(4 * hidden))
        self.W_xc_static = (
            nn.Parameter(torch.empty(4 * hidden, static_inputs)) if static_inputs else None
        )
        self.W_hc = nn.Parameter(torch.empty(4 * hidden, hidden))

    def reset_state(self) -> None:
        """Let the next forward pass start at zero."""
        self.state = None

    def forward(self, x: Tensor, marker: Tensor, *rest: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Run over all steps.

        Args:
            x: (T, N, ...), K elements per step and sequence.
            marker: (T, N): 0 where a sequence begins, 1 where it goes on.
            rest: With a static input, that (N, ...) of S elements; when exposed, the first output
                and cell, (1, N, D) each.

        Returns:
            The outputs (T, N, D); when exposed, also the last output and cell, (1, N, D) each.
        """
        steps, sequences = x.shape[:2]
        # What does not depend on the state is one product for all steps.
        gates = functional.linear(
            x.reshape(steps, sequences, self.W_xc.shape[1]), self.W_xc, self.b_c
        )
        if self.W_xc_static is not None:
            gates = gates + functional.linear(
                rest[0].reshape(sequences, self.W_xc_static.shape[1]), self.W_xc_static
            )
        if self.exposed:
            h, c = (first.squeeze(0) for first in rest[-2:])
        else:
            h, c = self._start(marker[0])
        outputs: list[Tensor] = []
        for inputs, going_on in zip(gates.unbind(), marker.unsqueeze(2).unbind(), strict=True):
            h, c = self._step(inputs, h * going_on, c * going_on)
            outputs.append(h)
        if self.exposed:
            return torch.stack(outputs), h.unsqueeze(0), c.unsqueeze(0)
        self.state = (h.detach(), c.detach())
        return torch.stack(outputs)

    def _step(self, inputs: Tensor, h: Tensor, c: Tensor) -> State:
        hidden = self.W_hc.shape[1]
        sums = torch.addmm(inputs, h, self.W_hc.t())
        opening, new = sums.split([3 * hidden, hidden], 1)
        i, f, o = opening.sigmoid().chunk(3, 1)
        c = torch.addcmul(f * c, i, new.tanh())
        return o * c.tanh(), c

    def _start(self, marker: Tensor) -> State:
        like, sequences = self.W_hc, marker.shape[0]
        if self.state is not None:
            h, c = self.state
            fits = h.shape[0] == sequences and h.device == like.device and c.dtype == like.dtype
            if fits:
                # Filled, not multiplied: a NaN of the pass before must not outlive a marker of 0.
                # These are new tensors, because autograd may not use those of inference mode.
                begins = (marker == 0).unsqueeze(1)
                return h.masked_fill(begins, 0.0), c.masked_fill(begins, 0.0)
        zeros = like.new_zeros(sequences, like.shape[1])
        return zeros, zeros

    def extra_repr(self) -> str:
        """Describe the sizes."""
        static = 0 if self.W_xc_static is None else self.W_xc_static.shape[1]
        return (
            f"{self.W_xc.shape[1]}, {self.W_hc.shape[1]}, static_inputs={static}, "
            f"exposed={self.exposed}"
        )
