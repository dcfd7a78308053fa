"""`netdef upgrade` as a user runs it."""

from pathlib import Path

from click.testing import CliRunner, Result

from netdef.cli import main

OLD = '# a net\nlayers { name: "r" type: RELU bottom: "a" top: "b" }  # relu\n'
NEW = '# a net\nlayer { name: "r" type: "ReLU" bottom: "a" top: "b" }  # relu\n'


def run(*arguments: str | Path, code: int = 0) -> Result:
    """Run the command in this process."""
    result = CliRunner().invoke(main, ["upgrade", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def write(folder: Path, text: str) -> Path:
    """Write a file."""
    path = folder / "in.prototxt"
    path.write_text(text)
    return path


def test_to_standard_output(tmp_path: Path) -> None:
    """The text on standard output, what was done on standard error."""
    result = run(write(tmp_path, OLD))
    assert result.stdout == NEW
    assert result.stderr.endswith("in.prototxt: upgraded V1 `layers` to `layer`\n")


def test_to_a_file(tmp_path: Path) -> None:
    """It appears whole; it may be the one that was read."""
    path = write(tmp_path, OLD)
    assert run(path, "-o", tmp_path / "out.prototxt").stdout == ""
    assert (tmp_path / "out.prototxt").read_text() == NEW
    run(path, "-o", path)
    assert path.read_text() == NEW


def test_nothing_to_do(tmp_path: Path) -> None:
    """It is said, and the text is written as it is."""
    text = 'layer {name:"r",type:"ReLU"}'
    result = run(write(tmp_path, text), "-o", tmp_path / "out.prototxt")
    assert result.stderr.endswith("in.prototxt: nothing to upgrade\n")
    assert (tmp_path / "out.prototxt").read_text() == text


def test_a_solver(tmp_path: Path) -> None:
    """The content tells what it is."""
    result = run(write(tmp_path, 'net: "x"\nbase_lr: 1  # high\nsolver_type: ADAM  # adaptive\n'))
    assert result.stdout == 'net: "x"\nbase_lr: 1  # high\ntype: "Adam"  # adaptive\n'


def test_faults(tmp_path: Path) -> None:
    """Nothing is written; a warning is only told."""
    path = write(tmp_path, "layers { type: RLEU }")
    result = run(path, "-o", tmp_path / "out.prototxt", code=1)
    assert "did you mean `RELU`?" in result.stderr
    assert not (tmp_path / "out.prototxt").exists()
    run(write(tmp_path, "layers { type: RLEU"), code=1)
    run(tmp_path / "none.prototxt", code=1)
    path = write(tmp_path, 'layer { type: "Data" data_param { mirror: true } }\n')
    result = run(path)
    assert result.stdout == path.read_text()
    assert "put it into `transform_param`" in result.stderr
