"""From a file to a typed net: the ordered list of passes, and both ways to run it.

`load_net` gives a net for one state or raises; `check_net` lists every fault of every phase.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netdef import catalog
from netdef.contract import Code, Probe
from netdef.frontend.bind import bind
from netdef.frontend.nodes import Document
from netdef.frontend.parse import parse
from netdef.frontend.recovery import STRUCTURE_RULES
from netdef.frontend.upgrade import upgrade
from netdef.ir import Layer, Net, Shape
from netdef.passes.build import build
from netdef.passes.connect import connect
from netdef.passes.filter import filter_layers
from netdef.passes.group import group
from netdef.passes.infer import infer
from netdef.passes.kind import other_kind
from netdef.schema import pb
from netdef.source import Diagnostic, NetdefError, Severity, SourceFile

PHASES = ("TRAIN", "TEST")

_HOPELESS = STRUCTURE_RULES | {"other-kind"}
"""Faults after which nothing can be said about a net's layers."""

_LOST = ("missing-name", "missing-value", "unclosed-list")
"""Faults of syntax after which what stands on the same line may mean anything."""

Lint = Callable[[Net], Iterable[Diagnostic]]
"""Finds what could be better in a typed net."""


@dataclass(frozen=True)
class Request:
    """For which state, and with what from outside, a net is wanted.

    Attributes:
        level: Level of the state.
        stages: Stages of the state.
        shapes: Shapes of inputs by name, in place of what the file says.
        probe: Asks a data layer's source for shapes.
        code: Runs code that layers name; None where that is not allowed.
    """

    level: int = 0
    stages: tuple[str, ...] = ()
    shapes: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    probe: Probe | None = None
    code: Code | None = None


@dataclass(frozen=True)
class Bound:
    """The text of a net, parsed and bound.

    Attributes:
        document: The tree, in current form.
        message: The NetParameter.
        faults: What was found so far.
    """

    document: Document
    message: pb.NetParameter
    faults: list[Diagnostic]

    @property
    def usable(self) -> bool:
        """Whether this is a net and the nesting of its blocks beyond doubt; else it is empty."""
        return not any(fault.rule in _HOPELESS for fault in self.faults)


def bind_net(file: SourceFile) -> Bound:
    """Parse, upgrade and bind the text of a net."""
    document, faults = parse(file)
    other = other_kind(document, pb.NetParameter)
    if other is not None:
        return Bound(document, pb.NetParameter(), [other])
    return bind_document(document, faults)


def bind_document(document: Document, faults: list[Diagnostic]) -> Bound:
    """Upgrade and bind a tree that was parsed with `faults`."""
    message = pb.NetParameter()
    bound = Bound(document, message, faults)
    if not bound.usable:
        return bound
    document, more = upgrade(document)
    bound_faults = _without_debris(bind(document, message, catalog), faults)
    return Bound(document, message, [*faults, *more, *bound_faults])


def _without_debris(found: list[Diagnostic], syntax: list[Diagnostic]) -> list[Diagnostic]:
    """Drop what binding says of the rest of a line where the parser lost its way."""
    lost: dict[tuple[str, int], int] = {}
    for fault in syntax:
        if fault.rule in _LOST and fault.span is not None:
            lost.setdefault((fault.span.path, fault.span.line), fault.span.start)
    if not lost:
        return found

    def is_debris(d: Diagnostic) -> bool:
        if d.span is None or (d.span.path, d.span.line) not in lost:
            return False
        return d.span.start >= lost[d.span.path, d.span.line]

    return [d for d in found if not is_debris(d)]


def analyse(bound: Bound, phase: str, request: Request) -> Net:
    """Run the passes from `build` on; the net holds all that they found."""
    return _typed(select(bound, phase, request), request)


def select(bound: Bound, phase: str, request: Request) -> Net:
    """Return the layers that the state includes, neither connected nor typed."""
    net = build(bound.document, bound.message, phase, request.level, request.stages, bound.faults)
    return filter_layers(net)


def _typed(net: Net, request: Request) -> Net:
    return infer(connect(net), request.shapes, request.probe, request.code)


def load_net(source: SourceFile | Bound, phase: str, request: Request) -> Net:
    """Return the typed net of a text for one phase; its diagnostics are warnings only.

    Raises:
        NetdefError: The text has faults, all of them listed.
    """
    bound = source if isinstance(source, Bound) else bind_net(source)
    if not bound.usable:
        raise NetdefError(bound.faults)
    net = analyse(bound, phase, request)
    found = group(in_order([*bound.faults, *net.diagnostics]))
    net = net.replace(diagnostics=tuple(found))
    if net.has_errors:
        raise NetdefError(net.diagnostics)
    return net


def check_net(
    source: SourceFile | Bound,
    phases: Sequence[str] | None,
    request: Request,
    lint: Lint | None = None,
) -> list[Diagnostic]:
    """Return every fault and warning of a net, in the order of the text.

    Without `phases` it is checked in those that it is written for (`_meant`). What is found in some
    of the phases checked, but not in all, is tagged with them. A net without errors also gets
    what `lint` finds in it.
    """
    bound = source if isinstance(source, Bound) else bind_net(source)
    if not bound.usable:
        return bound.faults
    found: dict[Diagnostic, list[str]] = {}
    selected = [select(bound, phase, request) for phase in phases or PHASES]
    nets = [_typed(net, request) for net in (selected if phases else _meant(selected))]
    for net in nets:
        for diagnostic in [*net.diagnostics, *(lint(net) if lint else ())]:
            seen = found.setdefault(diagnostic, [])
            if net.phase not in seen:
                seen.append(net.phase)
    tagged = [
        diagnostic if len(seen) == len(nets) else diagnostic.with_phases(*seen)
        for diagnostic, seen in found.items()
    ]
    everything = group(in_order([*bound.faults, *tagged]))
    if any(d.is_error for d in everything):  # what mends them may do away with the hints, too
        return [d for d in everything if d.severity is not Severity.HINT]
    return everything


def _meant(nets: Sequence[Net]) -> list[Net]:
    """Return the nets that the file is written for, of one net per phase.

    Where no layer makes data while another phase has one, the file is for that other phase: a train
    net without a test net beside it, or one whose data for testing asks for a stage.
    """
    fed = [net for net in nets if any(map(_makes_data, net.layers))]
    return fed or list(nets)


def _makes_data(layer: Layer) -> bool:
    """Whether a layer has tops without reading anything, as also data layers of unknown types."""
    return bool(layer.message.top) and not layer.message.bottom


def in_order(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return diagnostics in the order of the text, those without a place first."""
    return sorted(diagnostics, key=lambda d: d.span.start if d.span else -1)
