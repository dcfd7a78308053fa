"""Caffe's recurrent layers: time first, with a continuation marker."""

import torch
from torch import Tensor, nn
from torch.nn import functional

State = tuple[Tensor, ...]


class Recurrent(nn.Module):
    """An LSTM or RNN over T steps of N sequences with D hidden units.

    `W_x` (R, K) is for the input, `b` (R,) the bias, `W_static` (R, S) for the static input and
    `W_h` (R, D) for what the step before gave. An LSTM's R = 4D rows are the gates i, f, o, g, and
    it remembers its output h and its cell c. An RNN's R = D rows are h, all that it remembers; its
    output is tanh(W_o h + b_o), with `W_o` (D, D) and `b_o` (D,).

    With `exposed` the first state is an input and the last one an output. Otherwise the module
    keeps it: a forward pass goes on, without gradient, where the one before it ended, as far as the
    marker lets it, and starts at zero when it is the first, or when the number of sequences, the
    device or the type of the weights has changed.

    Attributes:
        state: What the next pass goes on from, (N, D) each, or None. No buffer: it belongs to a
            run, not to the net.
        keeps_state: Whether the next pass goes on from this one.
    """

    def __init__(
        self, cell: str, inputs: int, hidden: int, static_inputs: int = 0, exposed: bool = False
    ) -> None:
        super().__init__()
        self.cell = cell
        self.exposed = exposed
        self.state: State | None = None
        self.keeps_state = True
        rows = 4 * hidden if cell == "LSTM" else hidden
        self.W_x = nn.Parameter(torch.empty(rows, inputs))
        self.b = nn.Parameter(torch.empty(rows))
        self.W_static = nn.Parameter(torch.empty(rows, static_inputs)) if static_inputs else None
        self.W_h = nn.Parameter(torch.empty(rows, hidden))
        if cell == "RNN":
            self.W_o = nn.Parameter(torch.empty(hidden, hidden))
            self.b_o = nn.Parameter(torch.empty(hidden))

    def reset_state(self) -> None:
        """Let the next forward pass start at zero."""
        self.state = None

    def forward(self, x: Tensor, marker: Tensor, *rest: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Run over all steps.

        Args:
            x: (T, N, ...), K elements per step and sequence.
            marker: (T, N): 0 where a sequence begins, 1 where it goes on.
            rest: With a static input, that (N, ...) of S elements; when exposed, the first states,
                (1, N, D) each.

        Returns:
            The outputs (T, N, D); when exposed, also the last states, (1, N, D) each, without a
            gradient, as the reference has them.
        """
        steps, sequences = x.shape[:2]
        # What does not depend on the state is one product for all steps.
        sums = functional.linear(x.reshape(steps, sequences, self.W_x.shape[1]), self.W_x, self.b)
        if self.W_static is not None:
            static = rest[0].reshape(sequences, self.W_static.shape[1])
            sums = sums + functional.linear(static, self.W_static)
        if self.exposed:
            begin = 0 if self.W_static is None else 1
            state = tuple(first.squeeze(0) for first in rest[begin:])
        else:
            state = self._start(marker[0])
        outputs: list[Tensor] = []
        for inputs, going_on in zip(sums.unbind(), marker.unsqueeze(2).unbind(), strict=True):
            state = self._step(inputs, tuple(s * going_on for s in state))
            outputs.append(state[0])
        top = torch.stack(outputs)
        if self.cell == "RNN":
            top = functional.linear(top, self.W_o, self.b_o).tanh()
        last = tuple(s.detach() for s in state)
        if self.exposed:
            return top, *(s.unsqueeze(0) for s in last)
        if self.keeps_state:
            self.state = last
        return top

    def _step(self, inputs: Tensor, state: State) -> State:
        hidden = self.W_h.shape[1]
        sums = torch.addmm(inputs, state[0], self.W_h.t())
        if self.cell == "RNN":
            return (sums.tanh(),)
        opening, new = sums.split([3 * hidden, hidden], 1)
        i, f, o = opening.sigmoid().chunk(3, 1)
        c = torch.addcmul(f * state[1], i, new.tanh())
        return o * c.tanh(), c

    def _start(self, marker: Tensor) -> State:
        like, sequences = self.W_h, marker.shape[0]
        if self.state is not None:
            last = self.state[-1]
            fits = last.shape[0] == sequences and last.device == like.device
            if fits and last.dtype == like.dtype:
                # Filled, not multiplied: a NaN of the pass before must not outlive a marker of 0.
                # These are new tensors, because autograd may not use those of inference mode.
                begins = (marker == 0).unsqueeze(1)
                return tuple(s.masked_fill(begins, 0.0) for s in self.state)
        zeros = like.new_zeros(sequences, like.shape[1])
        return (zeros, zeros) if self.cell == "LSTM" else (zeros,)

    def extra_repr(self) -> str:
        """Describe the sizes."""
        static = 0 if self.W_static is None else self.W_static.shape[1]
        return (
            f"{self.cell}, {self.W_x.shape[1]}, {self.W_h.shape[1]}, static_inputs={static}, "
            f"exposed={self.exposed}"
        )
