"""Older forms of a file to the current one, on the syntax tree, so that places survive.

A file without old forms costs a look at the names of its fields; what the rarer forms need is
imported when they are met.
"""

from netdef.frontend.nodes import Block, Document, ListField, Node, growing, occurrences
from netdef.frontend.upgrade.batch_norm import upgrade_batch_norm
from netdef.frontend.upgrade.ceil_mode import upgrade_ceil_mode
from netdef.frontend.upgrade.data_transform import CURRENT_BLOCKS, warn_of_ignored
from netdef.frontend.upgrade.tree import Log, UpgradedDocument, block
from netdef.source import Diagnostic, Label, error

__all__ = ["upgrade", "upgrade_solver", "upgrades_of"]

_INPUTS = frozenset(("input", "input_dim", "input_shape"))
_INLINE_NETS = frozenset(("net_param", "train_net_param", "test_net_param"))


def upgrade(document: Document) -> tuple[Document, list[Diagnostic]]:
    """Return the document of a net in current form, with the faults of the old forms.

    The document itself is returned where nothing is to be done.
    """
    log = Log()
    with growing():
        fields = _upgrade_net(document.fields, log)
    return _finished(document, fields, log)


def upgrade_solver(document: Document) -> tuple[Document, list[Diagnostic]]:
    """Return the document of a solver in current form, as `upgrade` does.

    The nets inside it are upgraded, too.
    """
    log = Log()
    names = {node.name for node in document.fields}
    fields = document.fields
    if "solver_type" in names:
        from netdef.frontend.upgrade.solver_type import upgrade_solver_type

        fields = upgrade_solver_type(fields, log)
    if not names.isdisjoint(_INLINE_NETS):
        fields = [_inline(node, log) for node in fields]
    return _finished(document, fields, log)


def upgrades_of(document: Document) -> tuple[str, ...]:
    """Return in words what was upgraded to make this document; nothing for one that was current."""
    return document.upgrades if isinstance(document, UpgradedDocument) else ()


def _finished(
    document: Document, fields: list[Node], log: Log
) -> tuple[Document, list[Diagnostic]]:
    if fields is not document.fields:
        document = UpgradedDocument(document.file, fields, log.steps)
    return document, log.faults.finished()


def _inline(node: Node, log: Log) -> Node:
    if node.name not in _INLINE_NETS:
        return node
    if isinstance(node, ListField):
        items = [
            _inline_block(item, log) if isinstance(item, Block) else item for item in node.items
        ]
        return ListField(node.file, node.name, node.start, node.opening, items, node.end)
    return _inline_block(node, log) if isinstance(node, Block) else node


def _inline_block(node: Block, log: Log) -> Block:
    fields = _upgrade_net(node.fields, log)
    return node if fields is node.fields else block(node.name, fields, node)


def _upgrade_net(fields: list[Node], log: Log) -> list[Node]:
    names = {node.name for node in fields}
    if "layers" in names:
        from netdef.frontend.upgrade.v0 import upgrade_v0
        from netdef.frontend.upgrade.v1 import upgrade_v1

        if "layer" in names:
            _report_mixture(fields, log)
        fields = upgrade_v1(upgrade_v0(fields, log), log)
    if not names.isdisjoint(_INPUTS):
        from netdef.frontend.upgrade.legacy_inputs import upgrade_inputs

        fields = upgrade_inputs(fields, log)
    return _upgrade_layers(fields, log)


def _report_mixture(fields: list[Node], log: Log) -> None:
    layer = next(occurrences(fields, "layer"), None)
    layers = next(occurrences(fields, "layers"), None)
    if layer is None or layers is None:
        return
    first, second = sorted((layer, layers), key=lambda node: node.start)
    text = "a file has either `layer` blocks or `layers` blocks, those of the old format"
    labels = [Label(first.name_span, "the other kind begins here")]
    note = "Caffe would read the `layers` only"
    log.faults.append(error("mixed-formats", text, second.name_span, labels, note))


_TOUCHED = frozenset(("param", "pooling_param", *CURRENT_BLOCKS))
"""Fields of a layer that tell that it may have an old form."""


def _upgrade_layers(fields: list[Node], log: Log) -> list[Node]:
    """Return the fields with what is old in current layers replaced; themselves if nothing is."""
    result: list[Node] | None = None
    for index, node in enumerate(fields):
        if node.name != "layer":
            continue
        new = _upgrade_node(node, log)
        if new is not node:
            result = list(fields) if result is None else result
            result[index] = new
    return fields if result is None else result


def _upgrade_node(node: Node, log: Log) -> Node:
    if isinstance(node, Block):
        return _upgrade_layer(node, log)
    if not isinstance(node, ListField):
        return node
    items = [_upgrade_layer(item, log) if isinstance(item, Block) else item for item in node.items]
    if all(new is old for new, old in zip(items, node.items, strict=True)):
        return node
    return ListField(node.file, node.name, node.start, node.opening, items, node.end)


def _upgrade_layer(layer: Block, log: Log) -> Block:
    names = {node.name for node in layer.fields}
    if names.isdisjoint(_TOUCHED):
        return layer
    if not names.isdisjoint(CURRENT_BLOCKS):
        warn_of_ignored(layer, log)
    if "pooling_param" in names:
        layer = upgrade_ceil_mode(layer, log)
    return upgrade_batch_norm(layer, log) if "param" in names else layer
