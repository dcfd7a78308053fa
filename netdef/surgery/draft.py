"""A net that is operated on: its text and its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

from netdef.frontend.format import format_document
from netdef.frontend.nodes import Document
from netdef.frontend.parse import parse
from netdef.frontend.upgrade.tree import flat
from netdef.ir import Net, Shape
from netdef.passes.pipeline import Bound, Request, bind_document, bind_net, load_net
from netdef.source import NetdefError, SourceFile, made_folder, read, replacing
from netdef.weights import read_weights, write_weights

Blobs = Mapping[str, Sequence[Any]]
"""Arrays by layer name, in Caffe's order and layout; None in the place of a shared one."""


@dataclass(frozen=True)
class Draft:
    """A net's text and weights.

    Attributes:
        file: The text, of the current format and in canonical layout.
        weights: Arrays by layer name; layers without entry have none.
        request: The state and the shapes for which the net is looked at.
    """

    file: SourceFile
    weights: Blobs = field(default_factory=dict)
    request: Request = Request()  # noqa: RUF009 - it is frozen

    @property
    def text(self) -> str:
        """The prototxt."""
        return self.file.text

    def bound(self) -> Bound:
        """Return the text as tree and message.

        Raises:
            NetdefError: It has faults.
        """
        bound = bind_net(self.file)
        if any(fault.is_error for fault in bound.faults):
            raise NetdefError(bound.faults)
        return bound

    def net(self, phase: str = "TEST") -> Net:
        """Return the typed net of a phase.

        Raises:
            NetdefError: The text has faults in this phase, all of them listed.
        """
        return load_net(self.file, phase, self.request)

    def having(self, file: SourceFile, weights: Blobs | None = None) -> "Draft":
        """Return a draft with another text, and other weights unless None."""
        return changed(self, file=file, weights=self.weights if weights is None else weights)

    def save(self, folder: str | Path, stem: str, suffix: str | None = None) -> list[Path]:
        """Write `STEM.prototxt`, and the weights beside it as `STEM` and `suffix`.

        Args:
            folder: Where they go; it is made if need be.
            stem: The name of both files.
            suffix: The weight file's, which tells its format; None writes no weights.

        Returns:
            The paths.

        Raises:
            NetdefError: The text has faults, the weights do not fit, or a file cannot be written.
        """
        net = self.net()
        folder = made_folder(folder)
        made = [folder / f"{stem}.prototxt"]
        if suffix is not None:
            made.append(folder / f"{stem}{suffix}")
            write_weights(made[1], self.weights, net)
        with replacing(made[0]) as path, open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(self.text)
        return made


def open_draft(
    path: str | Path,
    weights: str | Path | None = None,
    level: int = 0,
    stages: Sequence[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    allow_python: bool = False,
) -> Draft:
    """Read a net to operate on; a file of an old format is upgraded.

    Args:
        path: A prototxt file.
        weights: A file with its weights.
        level: Level of the net's state.
        stages: Stages of the net's state.
        shapes: Shapes of inputs by name, in place of what the file or its data say.
        allow_python: Whether the code that its Python layers name may be run.

    Raises:
        NetdefError: A file is missing, damaged or has faults.
    """
    from netdef.data.probe import prober

    file = read(path)
    code = None
    if allow_python:
        from netdef.torch_backend.python_host import shapes_of_code as code
    probe = prober(file.path)
    request = Request(level, tuple(stages), shapes or {}, probe, code)
    values = dict(read_weights(weights)) if weights is not None else {}
    return Draft(current_form(file), values, request)


def current_form(file: SourceFile) -> SourceFile:
    """Return the text of a net in the current format, each layer a block of its own.

    Raises:
        NetdefError: It has faults.
    """
    original, faults = parse(file)
    if faults:
        raise NetdefError(faults)
    bound = bind_net(file)
    if any(fault.is_error for fault in bound.faults):
        raise NetdefError(bound.faults)
    upgraded = bind_document(original, faults).document
    layers = Document(file, list(flat(upgraded.fields)))
    return SourceFile(file.path, format_document(layers, original))
