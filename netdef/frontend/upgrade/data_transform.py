"""Transform fields inside the data parameters: in V0 and V1 they count, later they do not."""

from collections.abc import Mapping

from netdef.frontend.nodes import Block, Node
from netdef.frontend.upgrade.tree import Log, block, text_of
from netdef.source import Label, warning

FIELDS = frozenset(("scale", "mean_file", "crop_size", "mirror"))

V1_BLOCKS: Mapping[str, str] = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
    "VideoData": "video_data_param",
}
"""Per layer type, the block that had the fields."""

_CURRENT_BLOCKS: Mapping[str, str] = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
    "AnnotatedData": "data_param",
}
CURRENT_BLOCKS = frozenset(_CURRENT_BLOCKS.values())


def move_transform_fields(
    kind: str, fields: list[Node], log: Log, also: frozenset[str] = frozenset()
) -> list[Node]:
    """Return the fields of a V1 layer with the old transform fields in `transform_param`.

    Args:
        kind: The current name of the layer's type.
        fields: The layer's fields.
        log: What was found and done.
        also: Further fields that move.
    """
    name = V1_BLOCKS.get(kind)
    moving = FIELDS | also
    moved: list[Node] = []
    result: list[Node] = []
    first: int | None = None
    for node in fields:
        if node.name == name and isinstance(node, Block):
            found = [field for field in node.fields if field.name in moving]
            if found:
                first = len(result) if first is None else first
                moved += found
                rest = [field for field in node.fields if field.name not in moving]
                node = block(node.name, rest, node)
        result.append(node)
    if first is None:
        return fields
    log.did("transform fields to transform_param")
    return _merge(result, moved, first, log)


def _merge(fields: list[Node], moved: list[Node], at: int, log: Log) -> list[Node]:
    for index, node in enumerate(fields):
        if node.name == "transform_param" and isinstance(node, Block):
            winners = {field.name: field for field in moved}
            kept = [field for field in node.fields if field.name not in winners]
            for field in node.fields:
                if field.name in winners:
                    _warn_of_overridden(field, winners[field.name], log)
            return [*fields[:index], block(node.name, [*kept, *moved], node), *fields[index + 1 :]]
    return [*fields[:at], block("transform_param", moved, moved[0]), *fields[at:]]


def _warn_of_overridden(field: Node, winner: Node, log: Log) -> None:
    text = f"`{field.name}` in `transform_param` does nothing: it is given twice"
    labels = [Label(winner.name_span, "in a V1 file this one counts")]
    log.faults.append(warning("ignored-field", text, field.name_span, labels))


def warn_of_ignored(layer: Block, log: Log) -> None:
    """Warn of the fields in a layer of current form, where Caffe silently ignores them."""
    name = _CURRENT_BLOCKS.get(text_of(layer.first("type")))
    if name is None:
        return
    for inside in layer.all(name):
        for field in inside.fields if isinstance(inside, Block) else ():
            if field.name in FIELDS:
                text = f"`{field.name}` does nothing in `{name}`: Caffe silently ignores it"
                note = "put it into `transform_param`"
                log.faults.append(warning("ignored-field", text, field.name_span, note=note))
