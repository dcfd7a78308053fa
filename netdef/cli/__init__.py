"""The command line: one file per command, loaded when it is called."""

import sys
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from netdef.source import NetdefError

_COMMANDS = {
    "check": "Find every fault in prototxt files.",
    "convert": "Convert a weight file, or a mean, to another format.",
    "data": "Make, convert, show and verify data sets.",
    "deploy": "Derive the net that answers from one for training.",
    "devices": "List the CPU and the GPUs, and what they compute with.",
    "draw": "Draw a net as SVG, PNG, PDF or DOT.",
    "explain": "Show what a net looks at: saliency, Grad-CAM, occlusion, receptive fields.",
    "export": "Write a net for other programs: ONNX, PyTorch source, torch.export.",
    "fmt": "Lay out prototxt files in the one canonical way.",
    "import": "Make a net and its weights of an ONNX file.",
    "layers": "List the layer types, or explain one.",
    "plot": "Draw the learning curves of one or many runs.",
    "predict": "Classify images, extract features, draw detections.",
    "summary": "Print a net's layers, shapes, parameters and costs.",
    "surgery": "Cut, rename, replace layers; make a net fully convolutional.",
    "test": "Test a net on batches of its own data layers.",
    "time": "Measure how long each layer of a net takes, forward and backward.",
    "train": "Train a net as a solver file says.",
    "upgrade": "Rewrite a net or solver of an old format in the current one.",
    "verify": "Run one net in two ways, and compare every blob.",
    "weights": "List the blobs of a weight file, or compare two.",
}
"""Name and first sentence of every command; the rest is in `cli/NAME.py` (`import_.py`)."""


class _Commands(click.Group):
    """Loads a command's file when it is called, and turns faults into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        return import_module(f"netdef.cli.{module}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run; a fault of the input is printed and ends with exit code 1, an interrupt with 130."""
        try:
            return super().invoke(ctx)
        except NetdefError as fault:
            from netdef.cli.report import report

            report(fault.diagnostics)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(130)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="netdef")
def main() -> None:
    """Networks written as text: check, draw, train and export prototxt files."""
