"""The solver's enum `solver_type` to its string `type`."""

from netdef.frontend.nodes import Node, Scalar, occurrences
from netdef.frontend.upgrade.tree import Log, scalar
from netdef.frontend.values import ValueFault, converter
from netdef.schema import pb
from netdef.source import Label, error

_NAMES = {
    pb.SolverParameter.SGD: "SGD",
    pb.SolverParameter.NESTEROV: "Nesterov",
    pb.SolverParameter.ADAGRAD: "AdaGrad",
    pb.SolverParameter.RMSPROP: "RMSProp",
    pb.SolverParameter.ADADELTA: "AdaDelta",
    pb.SolverParameter.ADAM: "Adam",
}


def upgrade_solver_type(fields: list[Node], log: Log) -> list[Node]:
    """Return the fields of a solver, which have `solver_type`, with `type` in its place.

    A value that is none stays as it is: the binder explains it.
    """
    current = next(occurrences(fields, "type"), None)
    result: list[Node] = []
    for node in fields:
        if node.name != "solver_type":
            result.append(node)
        elif current is not None:
            text = "`solver_type` is the old form of `type`: give one of them"
            labels = [Label(current.name_span, "`type` is given here")]
            log.faults.append(error("mixed-formats", text, node.name_span, labels))
        else:
            result.append(_type(node, log))
    return result


def _type(node: Node, log: Log) -> Node:
    if not isinstance(node, Scalar):
        return node
    try:
        number = converter(pb.SolverParameter.DESCRIPTOR.fields_by_name["solver_type"])(node.raw)
    except ValueFault:
        return node
    log.did("solver_type to type")
    return scalar("type", f'"{_NAMES[number]}"', node)
