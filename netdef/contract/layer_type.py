"""A layer type: one class, one file, every facet."""

import sys
from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeVar

from netdef.contract.cost import Cost
from netdef.contract.example import Example
from netdef.contract.folding import Absorb, Affine, absorb_outputs
from netdef.contract.instance import Instance
from netdef.contract.signature import Signature
from netdef.contract.window import Window

Role = Literal[
    "activation",
    "convolution",
    "custom",
    "dense",
    "detection",
    "elementwise",
    "loss",
    "normalization",
    "pooling",
    "recurrent",
    "regularization",
    "shape",
    "sink",
    "source",
]
"""What a layer is for; drawings colour by it."""

ROLES: dict[Role, str] = {
    "source": "Blobs that no layer makes from others: data, inputs, learned constants.",
    "convolution": "Filters that slide over space or time.",
    "dense": "Every output sees every input.",
    "recurrent": "A state that is carried from one time step to the next.",
    "pooling": "Windows, regions or axes, each reduced to one value.",
    "activation": "A function that is not linear, mostly of one value at a time.",
    "normalization": "Values brought to a common scale.",
    "regularization": "What keeps training from learning the examples by heart.",
    "elementwise": "Arithmetic on the values at one place.",
    "shape": "Values moved, cut, joined or repeated, but not changed.",
    "detection": "Boxes and regions of images.",
    "loss": "What training makes small.",
    "sink": "Ends of the net: measures, and what is written or thrown away.",
    "custom": "Code of the user's own.",
}
"""The roles in the order in which people are shown them, each with what it is."""


def at_least(least: int) -> range:
    """Return the range of all counts from `least` on, for `bottoms` and `tops`."""
    return range(least, sys.maxsize)


class LayerType:
    """Base of all layer types; its subclasses are decorated with `@layer`.

    The class's docstring is what `netdef layers TYPE` prints. A facet sees one layer as an
    `Instance`, called `n` everywhere.
    """

    name: ClassVar[str]
    """The name of the type, set by `@layer`."""
    names: ClassVar[tuple[str, ...]]
    """The name and the others that it goes by, the same for all of them; set by `@layer`."""
    param: ClassVar[str | None]
    """The field of LayerParameter with the type's own message, set by `@layer`."""
    role: ClassVar[Role]
    """What it is for, set by `@layer`."""

    bottoms: ClassVar[int | range] = 1
    """How many bottoms it takes."""
    tops: ClassVar[int | range] = 1
    """How many tops it makes."""
    loss: ClassVar[bool] = False
    """Whether its first top counts into the objective with weight 1 when nothing is said."""
    source: ClassVar[bool] = False
    """Whether its tops come from outside: they are inputs of the net."""
    no_grad_bottoms: ClassVar[tuple[int, ...]] = ()
    """Bottoms that get no gradient (labels, markers); -1 is the last."""
    dynamic: ClassVar[bool] = False
    """Whether the sizes of its tops depend on the data; `signature` gives upper bounds."""
    python: ClassVar[bool] = False
    """Whether it is what a `Python` layer of this class computes."""
    takes_affine: ClassVar[bool] = False
    """Whether its module also takes a factor and a shift per channel (axis 1), `factor` and
    `shift`, and applies them to its top: those of an affine layer behind it, in the same step."""
    effect: ClassVar[bool] = False
    """Whether it does something besides its tops, in every pass over the whole net."""
    absorbs_affine: ClassVar[bool] = False
    """Whether a following affine layer can be folded into its `weight` and `bias`; see `absorb`."""
    examples: ClassVar[tuple[Example, ...]]
    """At least one use, checked against every facet."""

    def signature(self, n: Instance) -> Signature:
        """Return the shapes of the tops and the weights; fault what makes no sense."""
        raise NotImplementedError

    def counts_as_loss(self, message: Any) -> bool:
        """Return whether the first top has weight 1 when the LayerParameter says nothing.

        That is `loss`, unless a type has several forms that differ in this.
        """
        del message
        return self.loss

    def cost(self, n: Instance) -> Cost:
        """Return the operations of one forward pass over the whole batch."""
        raise NotImplementedError

    def torch(self, n: Instance, t: Any) -> Any:
        """Return an nn.Module: tensors of the bottoms in, the top or a tuple of tops out.

        It names and lays out its parameters and buffers as the weights, and takes sizes from its
        inputs, which may be of another size than `n.ins`. `t` carries `torch`, `nn`, `F`, `ops`.
        """
        raise NotImplementedError

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Add nodes to the graph `g` and return the value of the top, or a tuple of tops.

        `ins` are the values of the bottoms; `g.op(type, *inputs, **attributes)` adds a node,
        `g.weight(name)` is one of the weights, `g.constant(array)` a constant.
        """
        raise NotImplementedError

    def window(self, n: Instance) -> Window | None:
        """Return the sliding window, for receptive fields; None when there is none."""
        del n
        return None

    def affine(self, n: Instance) -> Affine | None:
        """Return a function from weights by name to a factor and a shift per channel (axis 1).

        None when the layer is not such a map. The function uses nothing but arithmetic on tensors.
        """
        del n
        return None

    def absorb(self, n: Instance) -> Absorb | None:
        """Return how an affine layer after this one is folded into the weights.

        A function from weights by name, and a factor and a shift per channel (axis 1) of the top,
        to the new weights, with nothing but arithmetic on tensors. Where the layer has no bias, the
        function adds one, and the field `bias_term` of the type's own message makes room for it.
        None when this layer cannot: because its outputs are not counted along axis 1, say.

        Unless a type says otherwise, those that `absorbs_affine` count their outputs along the
        first axis of the `weight`, and in the top along the axis in their field `axis`, if any.
        """
        if not self.absorbs_affine:
            return None
        if "axis" in n.p.DESCRIPTOR.fields_by_name and n.axis("axis", len(n.ins[0])) != 1:
            return None
        return absorb_outputs()


class SourceType(LayerType):
    """Base of the types whose tops come from outside: they compute nothing."""

    bottoms = 0
    source = True

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """Return None: the tops are inputs of the program."""
        del n, t

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Return None: the tops are inputs of the graph."""
        del n, g, ins


REGISTRY: dict[str, LayerType] = {}
"""Every layer type imported so far, by name."""

_FACETS = ("signature", "cost", "torch", "onnx")

_T = TypeVar("_T", bound=type[LayerType])


def layer(*names: str, param: str | None, role: Role) -> Callable[[_T], _T]:
    """Register a layer type under its name, and under other names that forks have for it.

    Args:
        names: The name, then the others.
        param: The field of LayerParameter (or the extension) with the type's own message; None
            when it has no parameters.
        role: What it is for.

    Raises:
        TypeError: The class lacks a facet, a docstring or an example.
        ValueError: The name is taken.
    """

    def register(cls: _T) -> _T:
        missing = [f for f in _FACETS if getattr(cls, f) is getattr(LayerType, f)]
        if not cls.__doc__ or not getattr(cls, "examples", ()):
            missing.append("docstring and examples")
        if missing:
            raise TypeError(f"layer type {names[0]} lacks {', '.join(missing)}")
        cls.names, cls.param, cls.role = names, param, role
        for name in names:
            if name in REGISTRY and type(REGISTRY[name]).__module__ != cls.__module__:
                taken = type(REGISTRY[name]).__module__
                raise ValueError(f"layer type {name} is already defined by {taken}")
            # One class per name, so that `name` is right for each.
            alias: Any = cls
            if name != names[0]:
                alias = type(cls.__name__, (cls,), {"__doc__": cls.__doc__})
            alias.name = name
            REGISTRY[name] = alias()
        return cls

    return register
