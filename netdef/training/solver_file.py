"""A solver file: its settings, and the nets it trains and tests."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.nodes import Block, Document, Scalar
from netdef.frontend.parse import parse
from netdef.frontend.upgrade import upgrade_solver
from netdef.passes.kind import other_kind
from netdef.passes.pipeline import Bound, bind_document, bind_net, in_order
from netdef.schema import pb
from netdef.source import (
    Diagnostic,
    NetdefError,
    Severity,
    SourceFile,
    Span,
    error,
    read,
    warning,
)
from netdef.source.locate import locate, looked_in, shown
from netdef.source.suggest import did_you_mean
from netdef.training.rates import NEEDS
from netdef.training.rules import TYPES, WITHOUT_MOMENTUM

_DEPRECATED = {"solver_type": 'write `type: "{}"`'}
"""Fields with a successor."""


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
        diagnostics: Warnings about the file.
    """

    file: SourceFile
    document: Document
    message: pb.SolverParameter
    train: NetPlan
    tests: tuple[NetPlan, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

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


def load_solver(path: str | Path, model: str | Path | SourceFile | None = None) -> SolverFile:
    """Read a solver file and the nets it names.

    Args:
        path: The solver's prototxt.
        model: A net's prototxt (its path or its text), in place of all net fields of the solver.

    Raises:
        NetdefError: A file is missing or has faults, all of them listed.
    """
    file = read(path)
    document, faults = parse(file)
    other = other_kind(document, pb.SolverParameter)
    if other is not None:
        raise NetdefError(other)
    deprecated = _deprecated(document)
    document, more = upgrade_solver(document)
    message, faults = _bind_solver(document, [*faults, *more])
    if any(fault.is_error for fault in faults):
        raise NetdefError(in_order(faults))
    finder = _NetFinder(file, document, message, model)
    warnings = tuple(in_order([*faults, *deprecated]))
    return SolverFile(file, document, message, finder.train(), finder.tests(), warnings)


def check_solver(document: Document, faults: list[Diagnostic]) -> list[Diagnostic]:
    """Return every fault and warning of a solver's tree that was parsed with `faults`.

    The nets that it names are looked for, but not checked: they are files of their own. What only
    keeps us from training (a net that is not here, a type of solver that we lack) is no error.
    """
    deprecated = _deprecated(document)
    document, more = upgrade_solver(document)
    message, faults = _bind_solver(document, [*faults, *more], training=False)
    faults += deprecated
    if any(fault.is_error for fault in faults):
        return in_order(faults)
    finder = _NetFinder(document.file, document, message, None)
    for find in (finder.train, finder.tests):
        try:
            find()
        except NetdefError as fault:
            faults += [_softened(d) for d in fault.diagnostics]
    if finder.idle_tests:
        text = "`test_iter` means nothing here: the solver names no net to test"
        note = "give `net` in place of `train_net`, or a `test_net`"
        faults.append(warning("test-iter-count", text, place_of(document, "test_iter"), note=note))
    return in_order(list(dict.fromkeys(faults)))  # `train` and `tests` may lack the same file


def _softened(fault: Diagnostic) -> Diagnostic:
    harmless = fault.rule in ("missing-file", "no-net")
    return replace(fault, severity=Severity.WARNING) if harmless else fault


def _deprecated(document: Document) -> list[Diagnostic]:
    faults: list[Diagnostic] = []
    for field, instead in _DEPRECATED.items():
        node = document.first(field)
        if isinstance(node, Scalar):
            text = f"`{field}` is the old form of another field"
            note = instead.format(_type_of_enum(node.raw))
            faults.append(warning("deprecated-field", text, node.name_span, note=note))
    return faults


def _type_of_enum(raw: str) -> str:
    """Return the `type` that a value of `solver_type` stands for."""
    numbers = pb.SolverParameter.SolverType
    if raw in numbers.keys():  # noqa: SIM118 - an enum wrapper is no mapping
        return TYPES[numbers.Value(raw)]
    return TYPES[int(raw)] if raw in map(str, numbers.values()) else "SGD"


def _bind_solver(
    document: Document, faults: list[Diagnostic], training: bool = True
) -> tuple[pb.SolverParameter, list[Diagnostic]]:
    message = pb.SolverParameter()
    faults = [*faults, *bind(document, message, catalog)]
    faults += check_settings(document, message, training)
    return message, faults


def check_settings(document: Document, message: Any, training: bool = True) -> list[Diagnostic]:
    """Return the faults of a solver's own fields.

    Args:
        document: The solver's tree.
        message: Its SolverParameter.
        training: Whether it is about to be used. Otherwise only what every Caffe stops at is an
            error, and what some run with, to little effect, a warning.
    """
    return _Settings(document, message, training).check()


_LEAST = {
    "max_iter": 0,
    "iter_size": 1,
    "average_loss": 1,
    "gamma": 0,
    "test_interval": 0,
    "display": 0,
    "snapshot": 0,
    "warmup_iter": 0,
    "early_stop": 0,
    "snapshot_keep": 0,
}
_FATAL = {("step", "stepsize"), ("poly", "max_iter"), ("cosine", "max_iter")}
"""What a policy divides by."""


class _Settings:
    """Checks a solver's own fields."""

    def __init__(self, document: Document, message: Any, training: bool) -> None:
        self.document = document
        self.message = message
        self.training = training
        self.faults: list[Diagnostic] = []

    def check(self) -> list[Diagnostic]:
        """Return what is found."""
        if not self.document.first("base_lr"):
            text = "the solver needs `base_lr`, the learning rate"
            self._fault("missing-field", text, "base_lr", fatal=False)
        self._policy()
        for field, least in _LEAST.items():
            if self.message.HasField(field) and getattr(self.message, field) < least:
                self._fault("bad-value", f"`{field}` must be at least {least}", field)
        if self._has_tests() and self.message.test_interval < 1:
            text = "`test_iter` is given without `test_interval`"
            self._fault("missing-field", text, "test_iter")
        self._type()
        if self.message.snapshot_diff and self.training:
            text = "`snapshot_diff` has no effect: snapshots hold no gradients"
            place = place_of(self.document, "snapshot_diff")
            self.faults.append(warning("unsupported-field", text, place))
        return self.faults

    def _fault(
        self, rule: str, text: str, field: str, note: str | None = None, fatal: bool = True
    ) -> None:
        place = place_of(self.document, field) or Span(self.document.file, 0, 0)
        make = error if fatal or self.training else warning
        self.faults.append(make(rule, text, place, note=note))

    def _has_tests(self) -> bool:
        """Whether a net is tested: `test_iter` alone names none."""
        m = self.message
        own = m.HasField("net") or m.HasField("net_param")
        return bool(m.test_net or m.test_net_param or (own and m.test_iter))

    def _policy(self) -> None:
        policy = self.message.lr_policy
        known = ", ".join(NEEDS)
        if not self.document.first("lr_policy"):
            text = "the solver needs `lr_policy`"
            self._fault("missing-field", text, "lr_policy", f"one of {known}")
        elif policy and policy not in NEEDS:
            note = did_you_mean(policy, NEEDS) or f"it is one of {known}"
            self._fault("unknown-policy", f"`{policy}` is not a policy", "lr_policy", note)
        for field in NEEDS.get(policy, ()):
            self._needs(policy, field)

    def _needs(self, policy: str, field: str) -> None:
        fatal = (policy, field) in _FATAL
        if not self.document.first(field):
            text = f"lr_policy `{policy}` needs `{field}`"
            note = None if fatal or self.training else f"without it, `{field}` counts as 0"
            if field in ("stepvalue", "plateau_winsize") and note:
                note = "without it, the rate never changes"
            self._fault("missing-field", text, "lr_policy", note, fatal)
        elif fatal and getattr(self.message, field) < 1:
            self._fault("bad-value", f"`{field}` must be at least 1", field)

    def _type(self) -> None:
        name = self.message.type
        if name not in TYPES:
            note = did_you_mean(name, TYPES) or f"it is one of {', '.join(TYPES)}"
            self._fault("unknown-solver", f"`{name}` is not a type of solver", "type", note)
        elif name in WITHOUT_MOMENTUM and self.message.momentum:
            self._fault("bad-value", f"solver type `{name}` has no momentum", "momentum")


class _NetFinder:
    """Finds the nets of a solver: by file or inline, one for training, some for testing."""

    def __init__(
        self,
        file: SourceFile,
        document: Document,
        message: Any,
        model: str | Path | SourceFile | None,
    ) -> None:
        self.file = file
        self.document = document
        self.message = message
        if isinstance(model, str | Path):
            model = read(model)
        self.model = None if model is None else bind_net(model)
        self.idle_tests = False  # whether `test_iter` counts tests of no net

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
                rule = "solver-net" if given else "no-net"
                raise NetdefError(error(rule, text, place, note=note))
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
        if own > 0 and main is None and not bounds:
            # Forks from the time of one test net let its number stand when it is commented out.
            self.idle_tests = True
            return ()
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
