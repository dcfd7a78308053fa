"""From a file to a typed net: the ordered list of passes, and both ways to run it.

`load_net` gives a net for one state or raises; `check_net` lists every fault of every phase.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netdef import catalog
from netdef.contract import Probe
from netdef.frontend.bind import bind
from netdef.frontend.nodes import Document
from netdef.frontend.parse import parse
from netdef.frontend.recovery import STRUCTURE_RULES
from netdef.frontend.upgrade import upgrade
from netdef.ir import Net, Shape
from netdef.passes.build import build
from netdef.passes.connect import connect
from netdef.passes.filter import filter_layers
from netdef.passes.infer import infer
from netdef.schema import pb
from netdef.source import Diagnostic, NetdefError, SourceFile


@dataclass(frozen=True)
class Request:
    """For which state, and with what from outside, a net is wanted.

    Attributes:
        level: Level of the state.
        stages: Stages of the state.
        shapes: Shapes of inputs by name, in place of what the file says.
        probe: Asks a data layer's source for shapes.
    """

    level: int = 0
    stages: tuple[str, ...] = ()
    shapes: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    probe: Probe | None = None


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
        """Whether the nesting of blocks is beyond doubt; else the message is empty."""
        return not any(fault.rule in STRUCTURE_RULES for fault in self.faults)


def bind_net(file: SourceFile) -> Bound:
    """Parse, upgrade and bind the text of a net."""
    document, faults = parse(file)
    return bind_document(document, faults)


def bind_document(document: Document, faults: list[Diagnostic]) -> Bound:
    """Upgrade and bind a tree that was parsed with `faults`."""
    message = pb.NetParameter()
    bound = Bound(document, message, faults)
    if not bound.usable:
        return bound
    document, more = upgrade(document)
    return Bound(document, message, [*faults, *more, *bind(document, message, catalog)])


def analyse(bound: Bound, phase: str, request: Request) -> Net:
    """Run the passes from `build` on; the net holds all that they found."""
    net = build(bound.document, bound.message, phase, request.level, request.stages, bound.faults)
    net = filter_layers(net)
    net = connect(net)
    return infer(net, request.shapes, request.probe)


def load_net(source: SourceFile | Bound, phase: str, request: Request) -> Net:
    """Return the typed net of a text for one phase; its diagnostics are warnings only.

    Raises:
        NetdefError: The text has faults, all of them listed.
    """
    bound = source if isinstance(source, Bound) else bind_net(source)
    if not bound.usable:
        raise NetdefError(bound.faults)
    net = analyse(bound, phase, request)
    net = net.replace(diagnostics=tuple(in_order([*bound.faults, *net.diagnostics])))
    if net.has_errors:
        raise NetdefError(net.diagnostics)
    return net


def check_net(
    source: SourceFile | Bound, phases: Sequence[str], request: Request
) -> list[Diagnostic]:
    """Return every fault and warning of a net, in the order of the text.

    One that is found in some of the phases only is tagged with them.
    """
    bound = source if isinstance(source, Bound) else bind_net(source)
    if not bound.usable:
        return bound.faults
    found: dict[Diagnostic, list[str]] = {}
    for phase in phases:
        for diagnostic in analyse(bound, phase, request).diagnostics:
            seen = found.setdefault(diagnostic, [])
            if phase not in seen:
                seen.append(phase)
    tagged = [
        diagnostic if len(seen) == len(phases) else diagnostic.with_phases(*seen)
        for diagnostic, seen in found.items()
    ]
    return in_order([*bound.faults, *tagged])


def in_order(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return diagnostics in the order of the text, those without a place first."""
    return sorted(diagnostics, key=lambda d: d.span.start if d.span else -1)
