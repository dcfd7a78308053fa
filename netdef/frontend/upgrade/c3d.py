"""C3D v1.0 kept the settings of its three-axis layers in the blocks of their flat relatives."""

from collections.abc import Mapping

from netdef.frontend.nodes import Block, Node
from netdef.frontend.upgrade.tree import Log, block
from netdef.schema import pb
from netdef.schema.lookup import fields as fields_of
from netdef.source import warning

_BLOCKS: Mapping[str, tuple[str, str]] = {
    "Convolution3D": ("convolution_param", "convolution3d_param"),
    "Deconvolution3D": ("convolution_param", "convolution3d_param"),
    "Pooling3D": ("pooling_param", "pooling3d_param"),
    "VideoData": ("image_data_param", "video_data_param"),
}
TRANSFORM_FIELDS = frozenset(("mean_value",))
"""What VIDEO_DATA had in its block beside the transform fields of the others."""


def upgrade_c3d(kind: str, fields: list[Node], log: Log) -> list[Node]:
    """Return the fields of a V1 layer with the blocks that its current type reads."""
    if kind not in _BLOCKS:
        return fields
    old, new = _BLOCKS[kind]
    return [
        _moved(kind, node, new, log) if node.name == old and isinstance(node, Block) else node
        for node in fields
    ]


def _moved(kind: str, node: Block, name: str, log: Log) -> Block:
    """Rename a block; what has no place any more (an engine, a display) is left out, and said."""
    known = fields_of(pb.LayerParameter.DESCRIPTOR.fields_by_name[name].message_type)
    was = fields_of(pb.LayerParameter.DESCRIPTOR.fields_by_name[node.name].message_type)
    kept: list[Node] = []
    for field in node.fields:
        if field.name in was and field.name not in known and field.name not in TRANSFORM_FIELDS:
            text = f"`{field.name}` does nothing in a layer of type {kind}"
            log.faults.append(warning("ignored-field", text, field.name_span))
        else:
            kept.append(field)
    log.did(f"{node.name} of {kind} to {name}")
    return block(name, kept, node)
