"""A solver file: its settings, and the nets it trains and tests."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.nodes import Block, Document, Scalar
from netdef.frontend.parse import parse
from netdef.passes.pipeline import Bound, bind_document, bind_net, in_order
from netdef.schema import pb
from netdef.source import Diagnostic, NetdefError, Severity, SourceFile, Span, error, read
from netdef.source.locate import locate, looked_in, shown
from netdef.source.suggest import did_you_mean
from netdef.training.rates import NEEDS, POLICIES

RULES = ("SGD",)
"""The types of solver there are."""

_TYPES_OF_CAFFE = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")


@dataclass(frozen=True)
class NetPlan:
    """A net that a solver uses, and for which state.

    Attributes:
        bound: Its text, parsed and bound.
        phase: "TRAIN" or "TEST".
        level: Level of the state.
        stages: Stages of the state.
        iterations: For a test net: batches per test.
    """

    bound: Bound
    phase: str
    level: int
    stages: tuple[str, ...]
    iterations: int = 0


@dataclass(frozen=True)
class SolverFile:
    """A solver file that can be used.

    Attributes:
        file: The text.
        document: Its tree, for places.
        message: The SolverParameter.
        train: The net to train.
        tests: The nets to test with.
    """

    file: SourceFile
    document: Document
    message: pb.SolverParameter
    train: NetPlan
    tests: tuple[NetPlan, ...]

    def place(self, field: str, index: int = 0) -> Span | None:
        """Return where a field is written, None when it is not."""
        return place_of(self.document, field, index)


def place_of(document: Document, field: str, index: int = 0) -> Span | None:
    """Return where a field of a solver is written, None when it is not."""
    found = list(document.all(field))
    if not found:
        return None
    node = found[min(index, len(found) - 1)]
    return node.value_span if isinstance(node, Scalar) else node.name_span


def load_solver(path: str | Path, model: str | Path | None = None) -> SolverFile:
    """Read a solver file and the nets it names.

    Args:
        path: The solver's prototxt.
        model: A net's prototxt, in place of all net fields of the solver.

    Raises:
        NetdefError: A file is missing or has faults, all of them listed.
    """
    file = read(path)
    document, faults = parse(file)
    message, faults = _bind_solver(document, faults)
    if any(fault.is_error for fault in faults):
        raise NetdefError(in_order(faults))
    finder = _NetFinder(file, document, message, model)
    return SolverFile(file, document, message, finder.train(), finder.tests())


def check_solver(document: Document, faults: list[Diagnostic]) -> list[Diagnostic]:
    """Return every fault and warning of a solver's tree that was parsed with `faults`.

    The nets that it names are looked for, but not checked: they are files of their own.
    """
    message, faults = _bind_solver(document, faults)
    if any(fault.is_error for fault in faults):
        return in_order(faults)
    try:
        finder = _NetFinder(document.file, document, message, None)
        finder.train()
        finder.tests()
    except NetdefError as fault:
        for d in fault.diagnostics:
            missing = d.rule == "missing-file"
            faults.append(replace(d, severity=Severity.WARNING) if missing else d)
    return faults


def _bind_solver(
    document: Document, faults: list[Diagnostic]
) -> tuple[pb.SolverParameter, list[Diagnostic]]:
    message = pb.SolverParameter()
    faults = [*faults, *bind(document, message, catalog)]
    faults += check_settings(document, message)
    if message.HasField("solver_type") and not message.HasField("type"):
        message.type = _TYPES_OF_CAFFE[message.solver_type]
    return message, faults


def check_settings(document: Document, message: Any) -> list[Diagnostic]:
    """Return the faults of a solver's own fields."""
    faults: list[Diagnostic] = []

    def fault(rule: str, text: str, field: str, note: str | None = None) -> None:
        place = place_of(document, field) or Span(document.file, 0, 0)
        faults.append(error(rule, text, place, note=note))

    if not document.first("base_lr"):
        fault("missing-field", "the solver needs `base_lr`, the learning rate", "base_lr")
    policy = message.lr_policy
    known = ", ".join(POLICIES)
    if not document.first("lr_policy"):
        fault("missing-field", "the solver needs `lr_policy`", "lr_policy", f"one of {known}")
    elif policy and policy not in POLICIES:
        note = did_you_mean(policy, POLICIES) or f"it is one of {known}"
        fault("unknown-policy", f"`{policy}` is not a policy", "lr_policy", note)
    for field in NEEDS.get(policy, ()):
        if not document.first(field):
            fault("missing-field", f"lr_policy `{policy}` needs `{field}`", "lr_policy")
    for field, least in _LEAST.items():
        if message.HasField(field) and getattr(message, field) < least:
            fault("bad-value", f"`{field}` must be at least {least}", field)
    if message.test_iter and message.test_interval < 1:
        fault("missing-field", "`test_iter` is given without `test_interval`", "test_iter")
    faults += _check_type(document, message)
    return faults


_LEAST = {
    "max_iter": 0,
    "iter_size": 1,
    "average_loss": 1,
    "stepsize": 1,
    "gamma": 0,
    "test_interval": 0,
    "display": 0,
    "snapshot": 0,
}


def _check_type(document: Document, message: Any) -> list[Diagnostic]:
    field = "type" if message.HasField("type") else "solver_type"
    name = message.type if field == "type" else _TYPES_OF_CAFFE[message.solver_type]
    if name in RULES:
        return []
    place = place_of(document, field)
    if name in _TYPES_OF_CAFFE:
        text = f"solver type `{name}` is not there yet"
        return [error("unsupported-solver", text, place, note=f"use {' or '.join(RULES)}")]
    note = did_you_mean(name, _TYPES_OF_CAFFE)
    return [error("unknown-solver", f"`{name}` is not a type of solver", place, note=note)]


class _NetFinder:
    """Finds the nets of a solver: by file or inline, one for training, some for testing."""

    def __init__(
        self, file: SourceFile, document: Document, message: Any, model: str | Path | None
    ) -> None:
        self.file = file
        self.document = document
        self.message = message
        self.model = None if model is None else bind_net(read(model))

    def train(self) -> NetPlan:
        """Return the net to train."""
        m = self.message
        if self.model is not None:
            bound = self.model
        else:
            fields = ("net_param", "train_net_param", "net", "train_net")
            given = [f for f in fields if m.HasField(f)]
            if len(given) != 1:
                text = "the solver names no net" if not given else "the solver names several nets"
                note = "give one of net, net_param, train_net, train_net_param; or a MODEL"
                place = place_of(self.document, given[1]) if given else None
                place = place or Span(self.file, 0, 0)
                raise NetdefError(error("solver-net", text, place, note=note))
            bound = self._bound(given[0])
        return self._plan(bound, "TRAIN", m.train_state if m.HasField("train_state") else None)

    def tests(self) -> tuple[NetPlan, ...]:
        """Return the nets to test with, in the reference's order: inline, by file, the main one."""
        m = self.message
        bounds: list[Bound] = []
        if self.model is None:
            bounds += [self._bound("test_net_param", i) for i in range(len(m.test_net_param))]
            bounds += [self._bound("test_net", i) for i in range(len(m.test_net))]
        own = len(m.test_iter) - len(bounds)
        main = self.model
        if main is None and own > 0:
            field = "net_param" if m.HasField("net_param") else "net"
            main = self._bound(field) if m.HasField(field) else None
        if own < 0 or (own > 0 and main is None):
            text = (
                f"{len(m.test_iter)} test_iter for {len(bounds)} test nets; give one per test net"
            )
            raise NetdefError(error("test-iter-count", text, place_of(self.document, "test_iter")))
        bounds += [main] * own if main is not None else []
        if m.test_state and len(m.test_state) != len(bounds):
            text = f"{len(m.test_state)} test_state for {len(bounds)} test nets; give one per net"
            raise NetdefError(
                error("test-state-count", text, place_of(self.document, "test_state"))
            )
        states = list(m.test_state) or [None] * len(bounds)
        return tuple(
            self._plan(bound, "TEST", state, iterations)
            for bound, state, iterations in zip(bounds, states, m.test_iter, strict=True)
        )

    def _bound(self, field: str, index: int = 0) -> Bound:
        node = list(self.document.all(field))[index]
        if isinstance(node, Block):  # inline: its fields are a document of their own
            return bind_document(Document(self.file, node.fields), [])
        value = getattr(self.message, field)
        name = value if isinstance(value, str) else value[index]
        path = locate(name, self.file.path)
        if path is None:
            text = f"the net `{name}` is not there"
            place = place_of(self.document, field, index)
            raise NetdefError(
                error("missing-file", text, place, note=looked_in(name, self.file.path))
            )
        return bind_net(read(shown(path)))

    def _plan(self, bound: Bound, phase: str, state: Any, iterations: int = 0) -> NetPlan:
        """Merge the states: the phase, then the net's own, then the solver's."""
        merged = pb.NetState(phase=phase)
        if bound.message.HasField("state"):
            merged.MergeFrom(bound.message.state)
        if state is not None:
            merged.MergeFrom(state)
        name = pb.Phase.Name(merged.phase)
        return NetPlan(bound, name, merged.level, tuple(merged.stage), iterations)
