"""Rewriting the text of a net as a plan says: what stays keeps its words and its order."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from netdef.frontend.nodes import Block, Document, ListField, Node, Scalar
from netdef.frontend.parse import parse
from netdef.ir import Layer, Shape
from netdef.source import SourceFile

_OF_NET = ("state", "force_backward", "debug_info")
_OF_LAYER = ("include", "exclude", "loss_weight", "propagate_down")
_OF_PARAM = ("lr_mult", "decay_mult")
"""Fields that matter only in training, or choose between its phases."""

_COMMENT = re.compile(r"""("(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')|(\#[^\n]*+)""")
_COMMENTS_ABOVE = re.compile(r"(?:^|(?<=\n))(?:[ \t]*#[^\n]*\n)+[ \t]*\Z")
_COMMENT_BEHIND = re.compile(r"[ \t;,]*#[^\n]*")


class Kept(NamedTuple):
    """A layer that stays.

    Attributes:
        bottoms: The names of its bottoms; None for one that goes.
        tops: The names of its tops.
    """

    bottoms: list[str | None]
    tops: list[str]


class Given(NamedTuple):
    """A layer whose tops come from outside.

    Attributes:
        layer: The layer.
        read: Which of its tops are read.
    """

    layer: Layer
    read: list[int]


class Answer(NamedTuple):
    """What a loss becomes.

    Attributes:
        type: The type of the layer.
        name: Its name, and that of its top.
        bottom: What it reads.
        axis: The axis that it goes over.
    """

    type: str
    name: str
    bottom: str
    axis: int


@dataclass
class Plan:
    """What becomes of every layer, by the `id` of its syntax node; those not named go.

    Attributes:
        kept: Layers that stay.
        inputs: Those of them whose tops come from outside.
        shapes: The shapes of their tops; an Input layer without an entry stays as it is.
        answers: Losses that become something else.
    """

    kept: dict[int, Kept] = field(default_factory=dict[int, Kept])
    inputs: dict[int, Given] = field(default_factory=dict[int, Given])
    shapes: dict[int, list[Shape]] = field(default_factory=dict[int, list[Shape]])
    answers: dict[int, Answer] = field(default_factory=dict[int, Answer])

    def moved_to(self, twins: Mapping[int, int]) -> "Plan":
        """Return the plan for another tree of the same text; `twins` leads from node to node."""
        return replace(
            self,
            kept={twins[node]: kept for node, kept in self.kept.items()},
            inputs={twins[node]: given for node, given in self.inputs.items()},
            shapes={twins[node]: shapes for node, shapes in self.shapes.items()},
            answers={twins[node]: answer for node, answer in self.answers.items()},
        )


@dataclass(frozen=True)
class Rewritten:
    """A document as a plan says.

    Attributes:
        document: The tree.
        removed: The nodes of the old tree that are not in it.
    """

    document: Document
    removed: list[Node]


def rewrite(document: Document, plan: Plan) -> Rewritten:
    """Return `document` as `plan` says."""
    removed: list[Node] = []
    fields = _Rewriter(plan, removed).document(document)
    return Rewritten(Document(document.file, fields), removed)


def masked(text: str, removed: Iterable[Node]) -> str:
    """Return a text with blanks for the comments inside, right above and behind some nodes."""
    for node in sorted(removed, key=lambda node: node.start, reverse=True):
        above = _COMMENTS_ABOVE.search(text, 0, node.start)
        start = above.start() if above else node.start
        behind = _COMMENT_BEHIND.match(text, node.end)
        end = behind.end() if behind else node.end
        text = text[:start] + _COMMENT.sub(_blank, text[start:end]) + text[end:]
    return text


def _blank(match: re.Match[str]) -> str:
    return match[1] or " " * len(match[0])


Change = Callable[[Scalar | Block], Scalar | Block | None]


class _Rewriter:
    """Makes the new tree and notes what is not in it."""

    def __init__(self, plan: Plan, removed: list[Node]) -> None:
        self.plan = plan
        self.removed = removed

    def document(self, document: Document) -> list[Node]:
        """Return the fields of the new document."""

        def change(node: Scalar | Block) -> Scalar | Block | None:
            if node.name in _OF_NET:
                return None
            return self._layer(node) if node.name == "layer" and isinstance(node, Block) else node

        return self._changed(document.fields, change)

    def _changed(self, fields: Iterable[Node], change: Change) -> list[Node]:
        """Return fields, one by one as `change` has them; those that it gives None for go."""
        kept: list[Node] = []
        for node in fields:
            if isinstance(node, ListField):
                items = [c for item in node.items if (c := change(item)) is not None]
                new = ListField(node.file, node.name, node.start, node.opening, items, node.end)
                if items or not node.items:
                    kept.append(new)
                    continue
            elif (changed := change(node)) is not None:
                kept.append(changed)
                continue
            self.removed.append(node)
        return kept

    def _layer(self, node: Block) -> Block | None:
        if id(node) in self.plan.answers:
            return self._answer(node, self.plan.answers[id(node)])
        if id(node) not in self.plan.kept:
            return None
        if id(node) in self.plan.shapes:
            return self._input(node, self.plan.inputs[id(node)], self.plan.shapes[id(node)])
        return self._kept(node, self.plan.kept[id(node)])

    def _kept(self, node: Block, kept: Kept) -> Block:
        names = {"bottom": iter(kept.bottoms), "top": iter(kept.tops)}
        specs = list(node.all("param"))
        named = [isinstance(spec, Block) and _says_more(spec) for spec in specs]
        last = max((i for i, more in enumerate(named) if more), default=-1)
        numbers = iter(range(len(specs)))

        def change(field: Scalar | Block) -> Scalar | Block | None:
            name = field.name
            if name in _OF_LAYER or (name == "phase" and _says_test(field)):
                return None
            if name in names and isinstance(field, Scalar):
                return _renamed(field, next(names[name]))
            if not isinstance(field, Block):
                return field
            if name == "param":
                return self._without(field, _OF_PARAM) if next(numbers) <= last else None
            return self._without_fillers(field)

        return _with_fields(node, self._changed(node.fields, change))

    def _without(self, block: Block, names: Iterable[str]) -> Block:
        gone = set(names)
        return _with_fields(
            block, self._changed(block.fields, lambda n: None if n.name in gone else n)
        )

    def _without_fillers(self, block: Block) -> Block | None:
        """Return a layer's own parameters without fillers; None if there was nothing else."""
        if not any(field.name.endswith("filler") for field in block.fields):
            return block
        fields = self._changed(block.fields, lambda n: None if n.name.endswith("filler") else n)
        return _with_fields(block, fields) if fields else None

    def _input(self, node: Block, given: Given, shapes: list[Shape]) -> Block:
        numbers = iter(range(len(given.layer.tops)))

        def change(field: Scalar | Block) -> Scalar | Block | None:
            if field.name == "type" and isinstance(field, Scalar):
                return _with_value(field, '"Input"')
            if field.name == "top":
                return field if next(numbers) in given.read else None
            return field if field.name == "name" else None

        sizes = [" ".join(f"dim: {size}" for size in shape) for shape in shapes]
        blocks = " ".join(f"shape {{ {dims} }}" for dims in sizes)
        fields = self._changed(node.fields, change)
        return _with_fields(node, [*fields, *_made(f"input_param {{ {blocks} }}")])

    def _answer(self, node: Block, answer: Answer) -> Block:
        seen: set[str] = set()
        values = {"type": answer.type, "bottom": answer.bottom, "top": answer.name}

        def change(field: Scalar | Block) -> Scalar | Block | None:
            name = field.name
            if name == "name" and isinstance(field, Scalar):
                return _with_value(field, _quoted(answer.name))
            if name not in values or name in seen or not isinstance(field, Scalar):
                return None
            seen.add(name)
            return _with_value(field, _quoted(values[name]))

        fields = self._changed(node.fields, change)
        missing = [f"{name}: {_quoted(values[name])}" for name in values if name not in seen]
        if answer.type == "Softmax" and answer.axis != 1:
            missing.append(f"softmax_param {{ axis: {answer.axis} }}")
        return _with_fields(node, [*fields, *_made("\n".join(missing))])


def _with_fields(block: Block, fields: list[Node]) -> Block:
    return Block(block.file, block.name, block.start, block.opening, fields, block.end)


def _with_value(node: Scalar, raw: str) -> Scalar:
    return Scalar(node.file, node.name, node.start, raw, node.value_start)


def _renamed(node: Scalar, name: str | None) -> Scalar | None:
    if name is None:
        return None
    return node if node.raw[1:-1] == name else _with_value(node, _quoted(name))


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _made(text: str) -> Iterator[Node]:
    """Yield nodes that no file has."""
    yield from parse(SourceFile("<deploy>", text))[0].fields


def _says_more(spec: Block) -> bool:
    return any(field.name not in _OF_PARAM for field in spec.fields)


def _says_test(node: Scalar | Block) -> bool:
    return isinstance(node, Scalar) and node.raw in ("TEST", "1")
