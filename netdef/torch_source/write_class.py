"""A class's source from steps."""

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from netdef.torch_source.call import Call, literal
from netdef.torch_source.names import Names, identifier
from netdef.torch_source.step import Step, Value
from netdef.torch_source.wrap import WIDTH, wrapped

_OWN = frozenset({"load", "training", "self"})
_GLOBALS = frozenset({"torch", "nn", "self", "Tensor"})
_INDENT = 8


@dataclass
class Layout:
    """What is written where.

    Attributes:
        attributes: The attribute that holds each step's module; none for those that have none.
        made: The lines of `__init__` behind the first.
        run: The lines of `forward`.
        inputs: The variables that `forward` takes.
    """

    attributes: dict[Step, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)


def lay_out(
    steps: Sequence[Step],
    inputs: Sequence[Value],
    outputs: Sequence[tuple[str | None, Value]],
    arguments: Sequence[Mapping[str, str]] | None = None,
    exact: bool = False,
) -> Layout:
    """Return the bodies of a class's methods.

    Args:
        steps: Its steps, in order.
        inputs: What it reads.
        outputs: What it returns: a value without a name alone, or a dict by names.
        arguments: For every step, which arguments of its module are variables.
        exact: Whether torch's own modules shall have numbers rounded to 32 bits.
    """
    layout = Layout()
    given = arguments or [{} for _ in steps]
    _make(layout, steps, given, exact)
    forward = _Forward(layout, steps, [value for _, value in outputs])
    layout.inputs = [forward.variable(value, -1) for value in inputs]
    for place, step in enumerate(steps):
        forward.add(place, step)
    forward.finish(outputs)
    return layout


def _make(
    layout: Layout, steps: Sequence[Step], arguments: Sequence[Mapping[str, str]], exact: bool
) -> None:
    """Write what makes the modules: one for all steps of a function without settings."""
    names = Names(lambda name: hasattr(nn.Module, name) or name in _OWN)
    bare = Counter(step.call.name for step in steps if _is_bare(step) and step.call is not None)
    shared: dict[str, str] = {}
    for step, variables in zip(steps, arguments, strict=True):
        call = step.call
        if call is None:
            continue
        if step.reuses is not None and step.reuses in layout.attributes:
            layout.attributes[step] = layout.attributes[step.reuses]
            continue
        if _is_bare(step) and call.name in shared:
            layout.attributes[step] = shared[call.name]
            continue
        common = _is_bare(step) and bare[call.name] > 1
        kind = _kind(call)
        name = names.new(kind if common else identifier(step.name, kind))
        if common:
            shared[call.name] = name
        layout.attributes[step] = name
        layout.made += wrapped(f"self.{name} = {_made(step, call, variables, exact)}", _INDENT)
        layout.made += _adjusted(layout, step, name)


def _is_bare(step: Step) -> bool:
    return step.call is not None and not step.keeps and step.call.bare


def _kind(call: Call) -> str:
    """Return a word for a module: `conv` for nn.Conv2d."""
    return re.sub(r"\dd$", "", call.name.rpartition(".")[2]).lower()


def _made(step: Step, call: Call, variables: Mapping[str, str], exact: bool) -> str:
    made = call.text(variables, exact)
    if not step.chain:
        return made
    return f"nn.Sequential(*({made} for _ in range({len(step.chain)})))"


def _adjusted(layout: Layout, step: Step, name: str) -> list[str]:
    """Return the lines that give a module what is another's."""
    edge = " " * _INDENT
    lines = [f"{edge}self.{name}.{parameter} = None" for parameter in step.absent]
    for parameter, (other, theirs) in step.ties.items():
        lines.append(f"{edge}self.{name}.{parameter} = self.{layout.attributes[other]}.{theirs}")
    return lines


class _Forward:
    """Writes `forward`, step by step."""

    def __init__(self, layout: Layout, steps: Sequence[Step], outputs: Sequence[Value]) -> None:
        self.layout = layout
        self.steps = steps
        self.readers: dict[Value, list[int]] = {value: [len(steps)] for value in outputs}
        for place, step in reversed([*enumerate(steps)]):
            for value in step.inputs:
                self.readers.setdefault(value, []).insert(0, place)
        self.holders: dict[str, Value] = {}
        self.texts: dict[Value, str] = {}
        self.lines: list[str] = []

    def variable(self, value: Value, place: int) -> str:
        """Return a name for a value that is made at a place: one that nobody needs any more."""
        base = identifier(value.name)
        base = f"{base}_" if base in _GLOBALS else base
        name, number = base, 2
        while self._needed(self.holders.get(name), place):
            name, number = f"{base}_{number}", number + 1
        self.holders[name] = value
        self.texts[value] = name
        return name

    def _needed(self, value: Value | None, place: int) -> bool:
        return value is not None and (place < 0 or self.readers.get(value, [-1])[-1] > place)

    def add(self, place: int, step: Step) -> None:
        """Write a step, or keep its expression for the next one, which changes it in place."""
        attribute = f"self.{self.layout.attributes[step]}" if step in self.layout.attributes else ""
        if step.handle is not None:
            self.texts[step.handle] = attribute
        if not step.template:  # only there for its parameters
            return
        inputs = [self._shown(value, step, index) for index, value in enumerate(step.inputs)]
        text = step.template.format(*inputs, self=attribute)
        if self._nests(place, step, text):
            self.texts[step.outputs[0]] = text
            return
        names = ", ".join(self.variable(value, place) for value in step.outputs)
        self.lines.append(f"{names} = {text}")

    def _shown(self, value: Value, step: Step, index: int) -> str:
        text = self.texts[value]
        if text.isidentifier() or not _is_loose(text):
            return text
        alone = re.search(rf"[(\[ ]\{{{index}\}}[,)\]]", step.template)
        return text if alone else f"({text})"

    def _nests(self, place: int, step: Step, text: str) -> bool:
        """Whether the next step alone reads the result, and calls its own the same."""
        if len(step.outputs) != 1 or place + 1 >= len(self.steps):
            return False
        (value,) = step.outputs
        following = self.steps[place + 1]
        once = self.readers.get(value) == [place + 1]
        if not once or len(following.outputs) != 1 or not following.template:
            return False
        alike = following.outputs[0].name == value.name
        room = len(text) + len(following.template) + len(value.name) + 2 * _INDENT < WIDTH
        return alike and room

    def finish(self, outputs: Sequence[tuple[str | None, Value]]) -> None:
        """Write what is returned: the last expression itself, where that is all of it."""
        shown = [(name, self.texts[value]) for name, value in outputs]
        if len(shown) > 1 or shown[0][0] is not None:
            text = f"{{{', '.join(f'{literal(name)}: {text}' for name, text in shown)}}}"
        else:
            text = shown[0][1]
            if self.lines and self.lines[-1].startswith(f"{text} = "):
                text = self.lines.pop().removeprefix(f"{text} = ")
        self.lines.append(f"return {text}")
        self.layout.run = [part for line in self.lines for part in wrapped(line, _INDENT)]


def _is_loose(text: str) -> bool:
    """Whether an expression is a sum or the like, which needs parentheses before a method."""
    return isinstance(ast.parse(text, mode="eval").body, ast.BinOp)
