"""What was measured: plain data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerTime:
    """The times of a layer, or of several that are computed in one step.

    Attributes:
        names: Their names.
        types: Their types.
        forward: Milliseconds forward; the median.
        backward: Milliseconds backward; None where there is nothing to learn, in it or below it.
        macs: Multiply-accumulates of the forward pass over the whole batch.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    forward: float
    backward: float | None
    macs: int

    @property
    def total(self) -> float:
        """Milliseconds forward and backward."""
        return self.forward + (self.backward or 0.0)

    @property
    def gflops(self) -> float | None:
        """Billions of operations per second forward, a multiply-accumulate being two."""
        return 2 * self.macs / (self.forward * 1e6) if self.macs and self.forward else None


@dataclass(frozen=True)
class Timing:
    """The times of a net.

    Attributes:
        net: Its name, or "".
        phase: Its phase.
        batch: Images per batch; None when that is unknown.
        device: What it ran on: "cpu", "cuda:0".
        device_name: What its maker calls it.
        precision: What it computed in.
        iterations: Passes measured.
        compiled: Whether torch.compile made the program of the whole pass; layers are timed one at
            a time, so never compiled together.
        layers: The layers that compute, in the order of execution; none for an engine that does
            not tell its layers apart.
        whole_forward: Milliseconds of a whole pass forward, measured apart; the median.
        whole_backward: The same backward; None for a net that is not trained.
        engine: What computed it; "torch" runs the net as it is.
    """

    net: str
    phase: str
    batch: int | None
    device: str
    device_name: str
    precision: str
    iterations: int
    compiled: bool
    layers: tuple[LayerTime, ...]
    whole_forward: float
    whole_backward: float | None
    engine: str = "torch"

    @property
    def forward(self) -> float:
        """Sum of the layers' forward times, ms."""
        return sum(layer.forward for layer in self.layers)

    @property
    def backward(self) -> float:
        """Sum of the layers' backward times, ms."""
        return sum(layer.backward or 0.0 for layer in self.layers)

    def share(self, layer: LayerTime) -> float:
        """Return the part of a layer in the sum of all layers' times, from 0 to 1."""
        total = self.forward + self.backward
        return layer.total / total if total else 0.0
