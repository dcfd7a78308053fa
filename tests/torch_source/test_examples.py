"""Every layer type's examples as source that runs without netdef."""

from pathlib import Path

from netdef import catalog
from netdef.passes.pipeline import Request, load_net
from netdef.source import NetdefError, SourceFile

from .conftest import check_style, drawn, run_alone, write

WITHOUT_OUTPUT = {"HDF5Output", "Silence"}
OWN_CODE = {"Python"}


def test_every_layer_type(tmp_path: Path) -> None:
    """Each is written, runs alone, gives the very numbers, and looks as ruff wants it."""
    for name in catalog.names():
        kind = catalog.find(name)
        if kind.source or name in WITHOUT_OUTPUT | OWN_CODE:
            continue
        for index, example in enumerate(kind.examples):
            file = SourceFile("<example>", example.prototxt(name))
            exe = drawn(load_net(file, example.phase, Request()))
            try:
                write(exe, tmp_path / f"{name}_{index}.py")
            except NetdefError as fault:  # labels that are drawn at random
                assert {d.rule for d in fault.diagnostics} == {"bad-index"}
                (tmp_path / f"{name}_{index}.py").unlink()
    assert len(list(tmp_path.glob("*.py"))) > 300
    run_alone(tmp_path)
    check_style(tmp_path)
