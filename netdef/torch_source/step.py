"""A net as steps: what its source says, before it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from netdef.torch_source.call import Call


@dataclass(eq=False)
class Value:
    """What flows between steps.

    Attributes:
        name: The blob's name; for a module, the layer's.
        module: Whether it is a step's module, of which another step reads the parameters.
    """

    name: str
    module: bool = False


@dataclass(eq=False)
class Step:
    """One line of `forward`, with the module that it calls.

    Attributes:
        name: The layer's name.
        template: The expression: `{self}` is the module, `{0}`, `{1}`, ... are the inputs.
        inputs: What it reads.
        outputs: What it makes; the module itself for one that is only there for its parameters.
        call: How its module is made; None when it has none.
        values: The module's parameters and buffers by name.
        reuses: The step whose module it calls, in place of one of its own.
        ties: Parameters that are another step's: that, and the name there.
        handle: Its module as a value, where other steps read its parameters.
        lends: Whether parameters of other steps are its own, or in another shape.
        absent: Parameters that it gets with every call.
        inner: The steps of a block.
        chain: Equal blocks, each of which reads the one before it, that are made in a loop.
    """

    name: str
    template: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    call: Call | None = None
    values: Mapping[str, Tensor] = field(default_factory=dict)
    reuses: "Step | None" = None
    ties: Mapping[str, "tuple[Step, str]"] = field(default_factory=dict)
    handle: Value | None = None
    lends: bool = False
    absent: tuple[str, ...] = ()
    inner: "tuple[Step, ...]" = ()
    chain: "tuple[Step, ...]" = ()

    @property
    def keeps(self) -> bool:
        """Whether it is more than a function: its module has values, or is a block."""
        return bool(self.values or self.inner or self.chain or self.reuses or self.absent)


@dataclass(frozen=True)
class Program:
    """A net as steps.

    Attributes:
        inputs: What comes from outside.
        outputs: The results, each with its blob's name.
        steps: The steps in order.
    """

    inputs: tuple[Value, ...]
    outputs: tuple[tuple[str, Value], ...]
    steps: tuple[Step, ...]
