"""Whatever computes a net."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from netdef.ir import Net, Shape
from netdef.source import Span

Arrays = Mapping[str, Any]
"""numpy arrays by blob."""


class Maker(NamedTuple):
    """What makes a blob.

    Attributes:
        layer: The name of the layer, or of the node.
        type: Its type.
        place: Where the layer is written; None without a text.
    """

    layer: str
    type: str
    place: Span | None = None


class Executor(Protocol):
    """Something that computes a net, and tells some of its blobs.

    Blobs are called as in an ONNX file: of the versions of a name the last has it, the others are
    called `NAME#VERSION`.

    Attributes:
        name: What the user calls it.
        net: The net it was made from; None if it is not known.
        inputs: Sizes of its inputs by name, 1 for one that may vary; None where they are not known.
        outputs: The blobs that it gives in any case; None when only a run tells.
        blobs: The blobs that it can be asked for, with what makes them, in the order of execution.
    """

    name: str
    net: Net | None
    inputs: Mapping[str, Shape | None]
    outputs: Sequence[str] | None
    blobs: Mapping[str, Maker]

    def run(self, feed: Arrays, blobs: Collection[str]) -> dict[str, Any]:
        """Return blobs as float32 or float64 arrays.

        Args:
            feed: Values of its inputs; what it does not read is passed over.
            blobs: Which of `blobs` to compute; one that has none returns its outputs.

        Raises:
            NetdefError: It cannot run with these inputs.
        """
        ...
