"""BatchNorm with three `param` entries: its statistics are not learned, whatever they say."""

from netdef.frontend.nodes import Block, Node, Scalar
from netdef.frontend.upgrade.tree import Log, block, items_of, scalar, text_of

_FIXED = ("lr_mult", "decay_mult")
_ZERO = ("0", "0.0")
_ENTRIES = 3  # sums of means and of variances, and their factor


def upgrade_batch_norm(layer: Block, log: Log) -> Block:
    """Return a layer; the `param` entries of a BatchNorm that has three get zeros."""
    entries = list(layer.all("param"))
    if len(entries) != _ENTRIES or text_of(layer.first("type")) != "BatchNorm":
        return layer
    if not any(isinstance(entry, Block) and not _is_fixed(entry) for entry in entries):
        return layer
    log.did("BatchNorm's lr_mult and decay_mult to 0")
    fields: list[Node] = []
    for node in layer.fields:
        if node.name == "param":
            fields += [_fixed(e) if isinstance(e, Block) else e for e in items_of(node)]
        else:
            fields.append(node)
    return block(layer.name, fields, layer)


def _is_fixed(entry: Block) -> bool:
    for name in _FIXED:
        given = list(entry.all(name))
        if not given or any(not isinstance(n, Scalar) or n.raw not in _ZERO for n in given):
            return False
    return True


def _fixed(entry: Block) -> Block:
    fields: list[Node] = [
        scalar(node.name, "0", node)
        if node.name in _FIXED and isinstance(node, Scalar) and node.raw not in _ZERO
        else node
        for node in entry.fields
    ]
    fields += [scalar(name, "0", entry) for name in _FIXED if entry.first(name) is None]
    return block(entry.name, fields, entry)
