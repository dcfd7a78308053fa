"""What a facet sees of one layer."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from netdef.contract.fault import Fault, Problem, Unsupported
from netdef.contract.filler import filler_problem
from netdef.contract.signature import Signature
from netdef.ir import Shape
from netdef.schema import pb


@dataclass(frozen=True, slots=True)
class CodeShapes:
    """What the code of a layer says of it.

    Attributes:
        tops: Shapes of its tops.
        blobs: Shape of each parameter, and the value it starts with.
    """

    tops: tuple[Shape, ...]
    blobs: tuple[tuple[Shape, float], ...]


Code = Callable[["Instance"], CodeShapes]
"""Runs the code that a layer names."""

Probe = Callable[["Instance"], Sequence[Shape] | None]
"""Asks a data layer's source for the shape of one item per top; None when it is not there."""

_EMPTY = Signature(())


@dataclass(frozen=True, slots=True)
class Instance:
    """One layer with everything its type's facets may ask.

    Attributes:
        p: The message of the type's own parameters (an empty one if the file has none).
        message: The whole LayerParameter, for what several types share (`loss_param`).
        type: The name of the layer type.
        name: The layer's name.
        phase: "TRAIN" or "TEST".
        ins: Shapes of the bottoms.
        bottoms: Names of the bottoms.
        tops: Names of the tops.
        file: Path of the file it stands in; None when it has none.
        trusted: Whether code that it names may be run.
        sig: What `signature` returned; in `signature` itself it is empty.
    """

    p: Any
    message: Any
    type: str
    name: str
    phase: str
    ins: tuple[Shape, ...]
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    sig: Signature = _EMPTY
    probe_source: Probe | None = None
    run_code: Code | None = None
    file: str | None = None
    trusted: bool = False
    _collecting: list[list[Problem]] = field(default_factory=list[list[Problem]])

    @property
    def training(self) -> bool:
        """Whether the layer's phase is TRAIN."""
        return self.phase == "TRAIN"

    def fault(
        self,
        path: str,
        message: str,
        rule: str = "bad-value",
        note: str | None = None,
        bottom: int | None = None,
        because: tuple[str, ...] = (),
    ) -> None:
        """Say that a field makes no sense.

        Args:
            path: The field, in the type's own message or in the layer: `stride`, `kernel_size[1]`,
                `loss_param.normalization`, `bottom[1]`, `top`.
            message: One sentence without a full stop.
            rule: Name of the kind of fault.
            note: What would mend it.
            bottom: The bottom whose shape it speaks of: where that was made is shown, too.
            because: Other fields that made it so: those that the file gives are shown, too.

        Raises:
            Fault: At once, or at the end of a `collect` block.
        """
        problem = Problem(path, message, rule, note, bottom, because)
        if not self._collecting:
            raise Fault(problem)
        self._collecting[-1].append(problem)

    def mismatch(
        self, path: str, message: str, note: str | None = None, because: tuple[str, ...] = ()
    ) -> NoReturn:
        """Say that the shapes of the bottoms do not fit, at once; `path` is `bottom[1]`, say."""
        raise Fault(Problem(path, message, "shape-mismatch", note, because=because))

    def unsupported(self, reason: str) -> NoReturn:
        """Say why this layer cannot be expressed in the format asked for."""
        raise Unsupported(reason)

    @contextmanager
    def collect(self) -> Generator[None]:
        """Let several faults be said before the first ends the facet."""
        problems: list[Problem] = []
        self._collecting.append(problems)
        try:
            yield
        except Fault as fault:  # of a block inside this one, or a mismatch
            problems.extend(fault.problems)
        finally:
            self._collecting.pop()
        if problems:
            raise Fault(*problems)

    def axis(self, path: str, rank: int, extra: int = 0) -> int:
        """Return the axis in field `path` of `p`, counted from the front.

        Args:
            path: The field.
            rank: Number of axes; a negative axis counts from the end.
            extra: How many axes past the last are allowed.
        """
        value: int = getattr(self.p, path)
        if not -rank <= value < rank + extra:
            self.fault(path, f"`{path}` is {value}, but the input has {rank} axes", bottom=0)
        return value + rank if value < 0 else value

    def filler(self, path: str, default: float = 0.0) -> pb.FillerParameter:
        """Return the filler in field `path` of `p`, faulting nonsense, or a constant one."""
        if self.p.HasField(path):
            filler = getattr(self.p, path)
            self.check_filler(path, filler)
            return filler
        return pb.FillerParameter(type="constant", value=default)

    def check_filler(self, path: str, filler: pb.FillerParameter) -> None:
        """Fault what makes no sense in the filler at `path`: `weight_filler`, `data_filler[1]`."""
        problem = filler_problem(filler)
        if problem is not None:
            because = tuple(f"{path}.{name}" for name in problem.because)
            where, note = f"{path}.{problem.path}", problem.note
            self.fault(where, problem.message, problem.rule, note, because=because)

    def probe(self) -> Sequence[Shape] | None:
        """Ask the layer's data source for the shape of one item per top, without the batch."""
        return self.probe_source(self) if self.probe_source else None

    def code(self) -> CodeShapes | None:
        """Ask the code that the layer names; None unless that is allowed."""
        return self.run_code(self) if self.run_code else None
