"""Syntax tree to messages: every field finds its place in the schema, or is explained."""

from typing import Any, NamedTuple, Protocol

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from netdef.frontend.faults import Faults, shortened
from netdef.frontend.nodes import Block, ListField, Node, Scalar, growing, occurrences
from netdef.frontend.values import Convert, ValueFault, converter
from netdef.schema.lookup import fields, is_repeated, suggest_field
from netdef.source import Diagnostic, Label, error


class Names(Protocol):
    """What the binder asks about names that the schema does not have."""

    def extension(self, message: Descriptor, name: str) -> FieldDescriptor | None:
        """Return the extension of `message` that a plug-in calls `name`."""
        ...

    def knows_type(self, name: str) -> bool:
        """Whether a layer type of this name exists."""
        ...


class _Slot(NamedTuple):
    """What binding needs to know of one field, gathered once per field."""

    name: str
    field: FieldDescriptor
    repeated: bool
    convert: Convert | None  # None for a message


_slots: dict[Descriptor, dict[str, _Slot]] = {}


def _slot(field: FieldDescriptor) -> _Slot:
    message = field.message_type is not None
    return _Slot(field.name, field, is_repeated(field), None if message else converter(field))


def _slots_of(descriptor: Descriptor) -> dict[str, _Slot]:
    slots = _slots.get(descriptor)
    if slots is None:
        slots = {name: _slot(field) for name, field in fields(descriptor).items()}
        _slots[descriptor] = slots
    return slots


def bind(block: Block, message: Message, names: Names) -> list[Diagnostic]:
    """Fill `message` from the fields of `block` (a whole document, say).

    A repeated message field gets one message per block, in order, also where a block has faults, so
    that messages and their syntax nodes can be walked side by side.

    Returns:
        The faults, in the order of the text. A faulty field is left unset.
    """
    faults = Faults()
    work: list[tuple[Block, Any]] = [(block, message)]
    with growing():
        while work:
            inside, target = work.pop()
            inner: list[tuple[Block, Any]] = []
            _bind_block(inside, target, names, inner, faults)
            work.extend(reversed(inner))
    return faults.finished()


def _bind_block(
    block: Block,
    target: Any,
    names: Names,
    work: list[tuple[Block, Any]],
    faults: Faults,
) -> None:
    slots = _slots_of(target.DESCRIPTOR)
    seen: dict[str, Node] = {}
    for node in block.fields:
        name = node.name
        slot = slots.get(name)
        if slot is None:
            slot = _unknown(block, node, target.DESCRIPTOR, names, faults)
            if slot is None:
                continue
        if not slot.repeated:
            if name in seen:
                faults.append(_repeated(node, seen[name]))
                continue
            seen[name] = node
        items = node.items if isinstance(node, ListField) else (node,)
        for item in items:
            _bind_value(item, slot, target, work, faults)


def _bind_value(
    node: Scalar | Block,
    slot: _Slot,
    target: Any,
    work: list[tuple[Block, Any]],
    faults: Faults,
) -> None:
    if isinstance(node, Block):
        if slot.convert is not None:
            faults.append(_not_a_message(node))
        else:
            work.append((node, _submessage(slot, target)))
        return
    raw = node.raw
    if slot.convert is None:
        faults.append(_not_a_scalar(node, slot))
        return
    if not raw:  # the parser has said that the value is missing
        return
    try:
        value = slot.convert(raw)
    except ValueFault as fault:
        span = node.value_span
        message = f"{fault.message} (field `{node.name}`)"
        faults.append(error(fault.rule, message, span, note=fault.note))
        return
    if slot.field.is_extension:
        if slot.repeated:
            target.Extensions[slot.field].append(value)
        else:
            target.Extensions[slot.field] = value
    elif slot.repeated:
        getattr(target, slot.name).append(value)
    else:
        setattr(target, slot.name, value)


def _submessage(slot: _Slot, target: Any) -> Any:
    extension = slot.field.is_extension
    value = target.Extensions[slot.field] if extension else getattr(target, slot.name)
    if slot.repeated:
        return value.add()
    value.SetInParent()
    return value


def _unknown(
    block: Block, node: Node, descriptor: Descriptor, names: Names, faults: Faults
) -> _Slot | None:
    """Find an extension; failing that, report the field unless it is to be left alone."""
    if not node.name:  # the parser has said that the name is missing
        return None
    extension = names.extension(descriptor, node.name.strip("[]"))
    if extension is not None:
        return _slot(extension)
    if descriptor.name == "LayerParameter" and not _known_layer(block, names):
        return None  # of an unknown layer nobody knows the fields: they stay in the tree
    if faults.full:  # the nearest names take long to find
        faults.skip()
        return None
    message = f"{descriptor.name} has no field `{shortened(node.name)}`"
    note = suggest_field(descriptor, node.name)
    faults.append(error("unknown-field", message, node.name_span, note=note))
    return None


def _known_layer(block: Block, names: Names) -> bool:
    for node in occurrences(block.fields, "type"):
        if isinstance(node, Scalar):
            return names.knows_type(node.raw.strip("\"'"))
    return True


def _repeated(node: Node, first: Node) -> Diagnostic:
    labels = [Label(first.name_span, "first given here")]
    return error("repeated-field", f"`{node.name}` is given twice", node.name_span, labels)


def _not_a_message(node: Block) -> Diagnostic:
    message = f"`{node.name}` is a single value, not a block"
    return error("wrong-type", message, node.name_span, note=f"write `{node.name}: VALUE`")


def _not_a_scalar(node: Any, slot: _Slot) -> Diagnostic:
    kind = slot.field.message_type
    message = f"`{node.name}` is a block of fields ({kind.name if kind else ''})"
    note = f"write `{node.name} {{ ... }}`"
    return error("wrong-type", message, node.value_span, note=note)
