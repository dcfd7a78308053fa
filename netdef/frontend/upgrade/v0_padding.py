"""Padding layers of V0: they fold into the convolution or pooling that reads them."""

from typing import NamedTuple

from netdef.frontend.nodes import Block, Node, Scalar
from netdef.frontend.upgrade.tree import Log, block, flat, scalar, text_of, value_span
from netdef.source import Label, error, warning

_READERS = ("conv", "pool")


class _Padding(NamedTuple):
    """A padding layer."""

    layer: Block
    bottom: Scalar
    pad: Scalar | None


def fold_padding(fields: list[Node], log: Log) -> list[Node]:
    """Return the fields of a V0 net without padding layers; their readers pad, and read theirs."""
    made: dict[str, _Padding | None] = {}
    result: list[Node] = []
    for node in fields:
        if not isinstance(node, Block) or node.name != "layers":
            result.append(node)
            continue
        padding = _padding(node, log)
        read = [made.get(text_of(bottom)) for bottom in node.all("bottom")]
        if any(read):
            node = _reader(node, read, log)
        if padding is None:
            result.append(node)
        for top in node.all("top"):
            made[text_of(top)] = padding
    return result


def _inner(layer: Block) -> Block | None:
    inner = layer.first("layer")
    return inner if isinstance(inner, Block) else None


def _padding(layer: Block, log: Log) -> _Padding | None:
    inner = _inner(layer)
    if inner is None or text_of(inner.first("type")) != "padding":
        return None
    bottoms, tops = list(layer.all("bottom")), list(layer.all("top"))
    if len(bottoms) != 1 or len(tops) != 1 or not isinstance(bottoms[0], Scalar):
        text = "a padding layer has one bottom and one top"
        log.faults.append(error("padding-layer", text, _place(layer).name_span))
        return None
    pad = inner.first("pad")
    return _Padding(layer, bottoms[0], pad if isinstance(pad, Scalar) else None)


def _reader(layer: Block, read: list[_Padding | None], log: Log) -> Block:
    """Return the layer with the bottoms of the padding layers that it reads, and their padding."""
    inner = _inner(layer)
    if inner is None:
        return layer
    kind = text_of(inner.first("type"))
    bottoms = iter(read)
    fields: list[Node] = []
    for node in flat(layer.fields):
        padding = next(bottoms) if node.name == "bottom" else None
        if padding is not None:
            _check(node, padding, kind, len(read), log)
            node = scalar("bottom", padding.bottom.raw, node)
        elif node is inner and kind in _READERS and len(read) == 1 and read[0] is not None:
            node = _padded(inner, read[0], log)
        fields.append(node)
    return block(layer.name, fields, layer)


def _check(bottom: Node, padding: _Padding, kind: str, bottoms: int, log: Log) -> None:
    labels = [Label(_place(padding.layer).name_span, "the padding layer")]
    if kind not in _READERS:
        text = f"a layer of type `{kind}` reads a padding layer; only `conv` and `pool` can"
        log.faults.append(error("padding-layer", text, value_span(bottom), labels))
    elif bottoms != 1:
        text = "a layer that reads a padding layer has no other bottom"
        log.faults.append(error("padding-layer", text, value_span(bottom), labels))


def _padded(inner: Block, padding: _Padding, log: Log) -> Block:
    fields: list[Node] = []
    for node in flat(inner.fields):
        if node.name == "pad":
            text = "`pad` does nothing here: that of the padding layer counts"
            labels = [Label(_place(padding.layer).name_span, "the padding layer")]
            log.faults.append(warning("ignored-field", text, node.name_span, labels))
        else:
            fields.append(node)
    if padding.pad is not None:
        fields.append(padding.pad)
    return block(inner.name, fields, inner)


def _place(layer: Block) -> Node:
    """Return what says most of a layer: its name."""
    inner = _inner(layer) or layer
    return inner.first("name") or inner
