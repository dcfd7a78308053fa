"""The forks' `ceil_mode` to `round_mode`: false is FLOOR, true is CEIL."""

from netdef.frontend.nodes import Block, Node, Scalar
from netdef.frontend.upgrade.tree import Log, block, scalar
from netdef.frontend.values import ValueFault, converter
from netdef.schema import pb

_MODES = {True: "CEIL", False: "FLOOR"}


def upgrade_ceil_mode(layer: Block, log: Log) -> Block:
    """Return a layer whose `pooling_param`, if any, says `round_mode`.

    A `ceil_mode` that contradicts a `round_mode`, or has no sound value, stays as it is: the layer
    type and the binder explain what is wrong.
    """
    fields: list[Node] = [
        _pooling(node, log) if node.name == "pooling_param" and isinstance(node, Block) else node
        for node in layer.fields
    ]
    if all(new is old for new, old in zip(fields, layer.fields, strict=True)):
        return layer
    return block(layer.name, fields, layer)


def _pooling(param: Block, log: Log) -> Block:
    given = list(param.all("ceil_mode"))
    mode = _mode(given[0]) if len(given) == 1 else None
    if mode is None or given[0] not in param.fields:
        return param
    rounds = list(param.all("round_mode"))
    if any(not isinstance(node, Scalar) or node.raw != mode for node in rounds):
        return param
    log.did("ceil_mode to round_mode")
    fields = [
        scalar("round_mode", mode, node) if node is given[0] else node
        for node in param.fields
        if node is not given[0] or not rounds
    ]
    return block(param.name, fields, param)


def _mode(node: Scalar | Block) -> str | None:
    field = pb.PoolingParameter.DESCRIPTOR.fields_by_name["ceil_mode"]
    try:
        return _MODES[converter(field)(node.raw)] if isinstance(node, Scalar) else None
    except ValueFault:
        return None
