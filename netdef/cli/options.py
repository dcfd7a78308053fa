"""Options that several commands share."""

from collections.abc import Callable, Sequence
from functools import wraps
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


_ALLOW_PYTHON = click.option(
    "--allow-python",
    is_flag=True,
    help="Run the code that Python layers of the net name. Only for nets you trust.",
)
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
    _ALLOW_PYTHON,
)
_PHASE = click.option(
    "--phase",
    type=click.Choice(["TRAIN", "TEST"], case_sensitive=False),
    default="TEST",
    show_default=True,
    help="Phase of the net's state.",
)


_PRECISION = click.option(
    "--precision",
    type=click.Choice(["fp32", "tf32", "bf16", "fp16"]),
    default="fp32",
    show_default=True,
    help="How exactly to compute.",
)


def device_options(default: str = "a GPU where there is one") -> Callable[[Command], Command]:
    """Add --device and --precision; `default` says what is taken without the former."""
    text = f"cpu, cuda or cuda:1; by default {default}."
    device = click.option("--device", help=text)
    return lambda function: device(_PRECISION(function))


def engine_option(*names: str, default: str) -> Callable[[Command], Command]:
    """Add --engine: one of `netdef.engines.ENGINES` that suit the command."""
    return click.option(
        "--engine",
        type=click.Choice(names),
        default=default,
        show_default=True,
        help="What computes the net.",
    )


def weight_files(text: str, required: bool = False) -> Callable[[Command], Command]:
    """Add --weights, given to the command as a list: repeated, or names with commas between."""

    def split(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> list[str]:
        del ctx, option
        return [name for entry in given for name in map(str.strip, entry.split(",")) if name]

    return click.option(
        "--weights",
        metavar="FILE[,FILE...]",
        multiple=True,
        required=required,
        callback=split,
        help=f"{text} Repeatable.",
    )


def allow_python(function: Command) -> Command:
    """Add --allow-python."""
    return _ALLOW_PYTHON(function)


def state_options(function: Command) -> Command:
    """Add --level, --stage, --shape and --allow-python, given to the command as one dict `state`.

    Its keys are the parameters of `netdef.load` and the like.
    """
    return _gathering(function, _STATE, ("level", "stages", "shapes", "allow_python"))


def net_options(function: Command) -> Command:
    """Add what `state_options` adds, and --phase, which is in `state` too."""
    names = ("phase", "level", "stages", "shapes", "allow_python")
    return _gathering(function, (_PHASE, *_STATE), names)


def _gathering(function: Command, options: Sequence[Command], names: Sequence[str]) -> Command:
    @wraps(function)
    def gathered(**given: Any) -> Any:
        state = {name: given.pop(name) for name in names}
        return function(**given, state={**state, "shapes": dict(state["shapes"])})

    for option in reversed(options):
        gathered = option(gathered)
    return gathered
