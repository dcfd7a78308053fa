"""V1: `layers { type: CONVOLUTION }` to `layer { type: "Convolution" }`."""

from functools import cache

from netdef.frontend.nodes import Block, Node, Scalar
from netdef.frontend.upgrade.c3d import TRANSFORM_FIELDS, upgrade_c3d
from netdef.frontend.upgrade.data_transform import move_transform_fields
from netdef.frontend.upgrade.tree import Log, block, items_of, renamed, scalar, text_of
from netdef.frontend.upgrade.v1_types import V1_TYPES
from netdef.frontend.values import Convert, ValueFault, converter
from netdef.schema import pb
from netdef.schema.lookup import fields as fields_of
from netdef.source import error
from netdef.source.suggest import did_you_mean, fold, near_names, one_edit_apart

_KINDS = frozenset(V1_TYPES.values())
_PARAM_FIELDS = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}
"""Fields given once per parameter, by the field of `param` that each has become."""


def upgrade_v1(fields: list[Node], log: Log) -> list[Node]:
    """Return the fields of a net, its `layers` as `layer`."""
    log.did("V1 `layers` to `layer`")
    result: list[Node] = []
    for node in fields:
        if node.name == "layers":
            for item in items_of(node):
                result.append(_layer(item, log) if isinstance(item, Block) else item)
        else:
            result.append(node)
    return result


def _layer(old: Block, log: Log) -> Block:
    kind = ""
    fields: list[Node] = []
    entries: list[dict[str, Node]] = []
    at: int | None = None
    for node in old.fields:
        if node.name == "type" and isinstance(node, Scalar):
            node, kind = _type(node, log)
        elif node.name in _PARAM_FIELDS:
            at = len(fields) if at is None else at
            for item in items_of(node):
                if node.name == "param" and isinstance(item, Block):
                    fields.append(_current_param(item, log))
                elif _is_sound(item, log):
                    _add(entries, _PARAM_FIELDS[node.name], item)
            continue
        fields.append(node)
    if at is not None:
        fields[at:at] = [_param(entry) for entry in entries]
    if kind in _KINDS:
        fields = [node for node in fields if _is_known(node, log)]
    fields = upgrade_c3d(kind, fields, log)
    also = TRANSFORM_FIELDS if kind == "VideoData" else frozenset[str]()
    fields = move_transform_fields(kind, fields, log, also)
    return block("layer", fields, old)


@cache
def _converter(name: str) -> Convert:
    return converter(pb.V1LayerParameter.DESCRIPTOR.fields_by_name[name])


def _is_sound(node: Scalar | Block, log: Log) -> bool:
    """Report a value that does not fit its field, under the name that the field has here."""
    if isinstance(node, Block):
        text = f"`{node.name}` is a single value per parameter, not a block"
        log.faults.append(error("wrong-type", text, node.name_span))
        return False
    try:
        _converter(node.name)(node.raw)
    except ValueFault as fault:
        if node.raw:  # otherwise the parser has said that the value is missing
            text = f"{fault.message} (field `{node.name}`)"
            log.faults.append(error(fault.rule, text, node.value_span, note=fault.note))
        return False
    return True


def _add(entries: list[dict[str, Node]], name: str, value: Node) -> None:
    """Put a value into the first entry that has none of its kind yet."""
    for entry in entries:
        if name not in entry:
            entry[name] = value
            return
    entries.append({name: value})


def _param(entry: dict[str, Node]) -> Block:
    names = [name for name in _PARAM_FIELDS.values() if name in entry]
    first = min(entry.values(), key=lambda node: node.start)
    return block("param", [renamed(entry[name], name) for name in names], first)


def _current_param(node: Block, log: Log) -> Block:
    text = "`param` is a block in a `layer` only; in `layers` it is the name of a parameter"
    note = "write `blobs_lr` and `weight_decay`, or make the file's `layers` all `layer`"
    log.faults.append(error("mixed-formats", text, node.name_span, note=note))
    return node


def _type(node: Scalar, log: Log) -> tuple[Scalar, str]:
    """Return the current type, as a field and by name."""
    raw = node.raw
    if raw[:1] in ("'", '"'):
        kind = text_of(node)
        text = "in a `layers` block the type is written without quotes"
        old = next((v1 for v1, name in V1_TYPES.items() if kind in (v1, name)), None)
        note = f"write {old}" if old else "make the file's `layers` all `layer`"
        log.faults.append(error("mixed-formats", text, node.value_span, note=note))
        kind = V1_TYPES.get(kind, kind)
        return scalar("type", f'"{kind}"', node), kind
    if raw.isdecimal():
        number = pb.V1LayerParameter.LayerType.DESCRIPTOR.values_by_number.get(int(raw[:9]))
        raw = number.name if number is not None else raw
    kind = V1_TYPES.get(raw)
    if kind is None:
        kind = _unknown_type(node, raw, log)
    return scalar("type", f'"{kind}"', node), kind


def _unknown_type(node: Scalar, raw: str, log: Log) -> str:
    """Report a slip, and take it for what is meant; another fork's type keeps its name."""
    slip = any(fold(raw) == fold(known) or one_edit_apart(raw, known) for known in V1_TYPES)
    if not slip and raw != "NONE" and not raw.isdecimal():
        return raw
    text = f"`{raw}` is not a layer type of the V1 format"
    note = None if log.faults.full else did_you_mean(raw, V1_TYPES)
    log.faults.append(error("unknown-layer-type", text, node.value_span, note=note))
    meant = [] if log.faults.full else near_names(raw, V1_TYPES, 1)
    return V1_TYPES[meant[0]] if meant else raw


@cache
def _known_fields() -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of a layer's fields in V1 and in the current format."""
    old, current = pb.V1LayerParameter.DESCRIPTOR, pb.LayerParameter.DESCRIPTOR
    return frozenset(fields_of(old)), frozenset(fields_of(current))


def _is_known(node: Node, log: Log) -> bool:
    """Report a field that neither V1 nor the current format has."""
    old, current = _known_fields()
    if node.name in current or not node.name or node.name.startswith("["):
        return True
    if node.name == "layer":
        text = "a `layer` block inside `layers` is of the V0 format, the fields beside it of V1"
        log.faults.append(error("mixed-formats", text, node.name_span))
        return False
    text = f"V1LayerParameter has no field `{node.name}`"
    note = None if log.faults.full else did_you_mean(node.name, old)
    log.faults.append(error("unknown-field", text, node.name_span, note=note))
    return False
