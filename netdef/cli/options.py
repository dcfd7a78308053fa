"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


class ShapeOption(click.ParamType):
    """NAME=64,3,227,227."""

    name = "NAME=N,C,H,W"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """Return the name and the shape."""
        blob, _, sizes = str(value).partition("=")
        try:
            shape = tuple(int(size) for size in sizes.replace("x", ",").split(","))
        except ValueError:
            shape = ()
        if not blob or not shape or min(shape) < 0:
            self.fail(f"{value!r} is not of the form data=64,3,227,227", param, ctx)
        return blob, shape


_STATE = (
    click.option("--level", default=0, help="Level of the net's state."),
    click.option("--stage", "stages", multiple=True, help="Stage of the net's state; repeatable."),
    click.option(
        "--shape",
        "shapes",
        type=ShapeOption(),
        multiple=True,
        help="Shape of an input, in place of the file's; repeatable.",
    ),
)
_PHASE = click.option(
    "--phase",
    type=click.Choice(["TRAIN", "TEST"], case_sensitive=False),
    default="TEST",
    show_default=True,
    help="Phase of the net's state.",
)


def state_options(function: Command) -> Command:
    """Add --level, --stage and --shape."""
    for option in reversed(_STATE):
        function = option(function)
    return function


def net_options(function: Command) -> Command:
    """Add --phase, --level, --stage and --shape."""
    return _PHASE(state_options(function))
