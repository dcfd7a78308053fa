"""What `netdef layers TYPE` tells of a layer type, as data."""

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from netdef import api, catalog
from netdef.contract import Documentation, Example, LayerType, documentation
from netdef.frontend.format import format_document
from netdef.frontend.parse import parse
from netdef.ir import Param
from netdef.schema import pb
from netdef.schema.describe import Field, describe, type_name
from netdef.schema.docs import doc_of
from netdef.schema.lookup import fields, is_repeated
from netdef.source import SourceFile

_PARAMS = "param"
"""The field of a layer that says how each of its weights is trained."""


@dataclass(frozen=True, slots=True)
class Message:
    """Fields that are written together.

    Attributes:
        name: The field of the layer that holds them or, for messages inside others, their message.
        repeated: Whether the layer may have several of them.
        doc: What they are about.
        fields: The fields, in the order of the schema.
    """

    name: str
    repeated: bool
    doc: str
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything there is to know of a layer type.

    Attributes:
        kind: The type.
        others: Its other names.
        docs: What its docstring says.
        messages: The fields that it heeds: its own, those of messages that types share, those of
            messages inside either.
        example: A net with such a layer.
        weights: What the layer of the example keeps.
    """

    kind: LayerType
    others: list[str]
    docs: Documentation
    messages: list[Message]
    example: str
    weights: tuple[Param, ...]


def page_of(kind: LayerType) -> Page:
    """Return the page of a layer type."""
    first = kind.examples[0]
    document, _ = parse(SourceFile("<example>", first.prototxt(kind.name)))
    example = format_document(document)
    return Page(
        kind=kind,
        others=[name for name in kind.names if name != kind.name],
        docs=documentation(kind),
        messages=_messages(kind),
        example=example,
        weights=api.loads(example, first.phase).layers[-1].params or (),
    )


def _messages(kind: LayerType) -> list[Message]:
    messages: list[Message] = []
    inside: list[Descriptor] = []
    for holder in _holders(kind):
        message = holder.message_type
        assert message is not None  # noqa: S101 - that is what a holder is
        messages.append(_described(holder.name, message, is_repeated(holder)))
        inside += _inside(message, kind, all_of_them=holder.name == kind.param)
    seen: set[str] = set()
    while inside:
        message = inside.pop(0)
        if message.full_name not in seen:
            seen.add(message.full_name)
            messages.append(_described(type_name(message), message))
            inside += _inside(message, kind, all_of_them=True)
    return messages


def _described(name: str, message: Descriptor, repeated: bool = False) -> Message:
    return Message(name, repeated, doc_of(message.full_name), describe(message))


def _holders(kind: LayerType) -> Iterator[FieldDescriptor]:
    """Yield the fields of a layer whose messages the type heeds, its own first."""
    layer: Any = pb.LayerParameter.DESCRIPTOR  # the stubs have two kinds of descriptors
    own = None
    if kind.param is not None:
        own = fields(layer).get(kind.param) or catalog.extension(layer, kind.param)
    if own is not None:
        yield own
    for field in fields(layer).values():
        is_settings = field.message_type is not None and field.name.endswith("param")
        if is_settings and field is not own and _heeds(kind, field.name):
            yield field


def _inside(message: Descriptor, kind: LayerType, all_of_them: bool) -> Iterator[Descriptor]:
    """Yield the messages inside one; where types share it, those that this one names."""
    for field in message.fields:
        if field.message_type is not None and (all_of_them or _heeds(kind, field.name)):
            yield field.message_type


def _heeds(kind: LayerType, name: str) -> bool:
    """Whether a type's docstring names a field; every type with weights heeds their settings."""
    code = re.findall(r"`[^`]+`", inspect.getdoc(kind) or "")
    named = any(re.search(rf"\b{name}\b", part) for part in code)
    return named or (name == _PARAMS and any(example.params for example in kind.examples))


def to_dict(page: Page) -> dict[str, Any]:
    """Return a page as plain data for JSON.

    Defaults are texts, as in a file; null where the schema names none. A count of bottoms or tops
    is the least and the most, null where there is no most.
    """
    kind = page.kind
    return {
        "name": kind.name,
        "aliases": page.others,
        "role": kind.role,
        **asdict(page.docs),
        "bottoms": _bounds(kind.bottoms),
        "tops": _bounds(kind.tops),
        "no_grad_bottoms": list(kind.no_grad_bottoms),
        "loss": kind.loss,
        "dynamic": kind.dynamic,
        "messages": [asdict(message) for message in page.messages],
        "examples": [_example(kind, example) for example in kind.examples],
        "weights": [
            {"name": w.weight, "shape": list(w.shape), "learnable": w.learnable}
            for w in page.weights
        ],
    }


def _bounds(count: int | range) -> list[int | None]:
    if isinstance(count, int):
        return [count, count]
    return [count.start, count.stop - 1 if count.stop < sys.maxsize else None]


def _example(kind: LayerType, example: Example) -> dict[str, Any]:
    return {
        "prototxt": example.prototxt(kind.name),
        "phase": example.phase,
        "bottoms": [list(values.shape) for values in example.inputs],
        "tops": [list(shape) for shape in example.outs],
        "learnable": example.params,
    }
