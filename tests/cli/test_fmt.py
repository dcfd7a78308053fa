"""`netdef fmt`: files in, files out."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from netdef.cli import main

UGLY = b"name:'x' # here\r\n"
PRETTY = b'name: "x"  # here\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one file in order, and some that are not."""
    (tmp_path / "nets" / ".hidden").mkdir(parents=True)
    (tmp_path / "pretty.prototxt").write_bytes(PRETTY)
    (tmp_path / "ugly.prototxt").write_bytes(UGLY)
    (tmp_path / "nets" / "ugly.prototxt").write_bytes(UGLY)
    (tmp_path / "nets" / "ugly.txt").write_bytes(UGLY)
    (tmp_path / "nets" / ".hidden" / "ugly.prototxt").write_bytes(UGLY)
    (tmp_path / "broken.prototxt").write_bytes(b"layer  {")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0, given: bytes | None = None) -> str:
    """Run a command in this process and return what it prints on both channels."""
    result = CliRunner().invoke(main, ["fmt", *arguments], input=given)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_in_place(folder: Path) -> None:
    output = run("ugly.prototxt", "pretty.prototxt")
    assert output == "changed: ugly.prototxt\n1 file changed, 1 file in order\n"
    assert (folder / "ugly.prototxt").read_bytes() == PRETTY
    assert run("ugly.prototxt") == "1 file in order\n"


def test_file_in_order_is_not_touched(folder: Path) -> None:
    path = folder / "pretty.prototxt"
    before = os.stat(path)
    run("pretty.prototxt")
    after = os.stat(path)
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_mode_stays(folder: Path) -> None:
    path = folder / "ugly.prototxt"
    path.chmod(0o640)
    run("ugly.prototxt")
    assert path.stat().st_mode & 0o777 == 0o640


def test_folder(folder: Path) -> None:
    """Every .prototxt below it, but for hidden folders; no other file."""
    inside = os.path.join("nets", "ugly.prototxt")
    assert run("nets", inside) == f"changed: {inside}\n1 file changed\n"
    assert (folder / "nets" / "ugly.txt").read_bytes() == UGLY
    assert (folder / "nets" / ".hidden" / "ugly.prototxt").read_bytes() == UGLY
    assert run(os.path.join("nets", ".hidden")).endswith("1 file changed\n")
    (folder / "empty").mkdir()
    assert run("empty") == "no .prototxt files found\n"


def test_check(folder: Path) -> None:
    output = run("--check", "ugly.prototxt", "pretty.prototxt", code=1)
    assert output == "would change: ugly.prototxt\n1 file would change, 1 file in order\n"
    assert (folder / "ugly.prototxt").read_bytes() == UGLY
    assert run("--check", "pretty.prototxt") == "1 file in order\n"


def test_diff(folder: Path) -> None:
    (folder / "ugly.prototxt").write_bytes(b"name: 'x'\ninput: \"y\"")
    assert (
        run("--diff", "ugly.prototxt", "pretty.prototxt")
        == """\
--- ugly.prototxt
+++ ugly.prototxt
@@ -1,2 +1,2 @@
-name: 'x'
-input: "y"
\\ No newline at end of file
+name: "x"
+input: "y"
1 file would change, 1 file in order
"""
    )
    assert (folder / "ugly.prototxt").read_bytes() == b"name: 'x'\ninput: \"y\""
    run("--diff", "--check", "ugly.prototxt", code=1)


def test_diff_alone_on_standard_output(folder: Path) -> None:
    """A patch is nothing but a patch."""
    result = CliRunner().invoke(main, ["fmt", "--diff", "--check", "ugly.prototxt"])
    assert result.stdout.startswith("--- ugly.prototxt\n")
    assert "would change" not in result.stdout


def test_pipe() -> None:
    result = CliRunner().invoke(main, ["fmt", "-"], input=UGLY)
    assert result.stdout_bytes == PRETTY
    assert result.exit_code == 0
    assert run("--check", "-", given=UGLY, code=1) == "1 file would change\n"
    assert run("--check", "-", given=PRETTY) == "1 file in order\n"
    assert "--- <stdin>\n" in run("--diff", "-", given=UGLY)


def test_faults(folder: Path) -> None:
    """A file with faults is left alone; the others are not."""
    output = run("broken.prototxt", "ugly.prototxt", code=1)
    assert "broken.prototxt:1:1: error[unclosed-block]" in output
    assert output.endswith("1 file changed, 1 file left alone for faults\n")
    assert (folder / "broken.prototxt").read_bytes() == b"layer  {"
    assert (folder / "ugly.prototxt").read_bytes() == PRETTY
    result = CliRunner().invoke(main, ["fmt", "-"], input=b"layer {")
    assert (result.exit_code, result.stdout) == (1, "")


def test_wrong_names(folder: Path) -> None:
    """No argument is wrong usage; a syntactically fine file of unknown fields is none."""
    run(code=2)
    assert "error[missing-file]" in run("nowhere.prototxt", code=1)
    (folder / "other.prototxt").write_bytes(b"anything {a:1}")
    run("other.prototxt")
    assert (folder / "other.prototxt").read_bytes() == b"anything { a: 1 }\n"


def test_encodings(folder: Path) -> None:
    """Latin-1 stays Latin-1; a byte order mark goes."""
    path = folder / "ugly.prototxt"
    path.write_bytes(b"name:'caf\xe9' # \xfc\n")
    run("ugly.prototxt")
    assert path.read_bytes() == b'name: "caf\xe9"  # \xfc\n'
    path.write_bytes(b"\xef\xbb\xbf" + PRETTY)
    run("ugly.prototxt")
    assert path.read_bytes() == PRETTY
