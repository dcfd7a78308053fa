"""The net that answers about images, and the options for how these are made ready."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef import api, catalog
from netdef.cli.report import report
from netdef.cli.sizes import SizeOption
from netdef.source import NetdefError

if TYPE_CHECKING:
    from netdef.ir import Net
    from netdef.predict.preparation import Preparation
    from netdef.predict.recipe import Recipe

_OPTIONS = (
    click.option(
        "--train-net",
        type=click.Path(),
        help="Net whose data layer says how images are made ready; by default MODEL, or a file"
        " beside it whose name says that it trains.",
    ),
    click.option(
        "--mean",
        metavar="FILE|V,V,V",
        help="Subtract this: a .binaryproto or .npy, or a value per channel (blue first).",
    ),
    click.option("--scale", type=float, help="Multiply by this, after the mean."),
    click.option("--crop", type=SizeOption(), help="Take the centre: HxW, or N for both."),
    click.option("--resize", type=SizeOption(), help="Resize whole images first: HxW, or N."),
    click.option("--rgb", is_flag=True, help="Give the net red first, not blue."),
)
_NAMES = ("train_net", "mean", "scale", "crop", "resize", "rgb")
_TRAINING = "*train*.prototxt"


def image_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for how images are made ready, given to the command as one dict `images`."""

    @wraps(function)
    def gathered(**given: Any) -> Any:
        images = {name: given.pop(name) for name in _NAMES}
        return function(**given, images=images)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered


def answering_net(model: str, state: dict[str, Any]) -> "Net":
    """Return a net without data and losses: the file's, or its deploy form.

    Raises:
        NetdefError: The file cannot be read or has faults.
    """
    if not _is_for_training(model, state):
        net = api.load(model, phase="TEST", **state)
        report(net.diagnostics)
        return net
    text = api.deploy(model, **state)
    return api.loads(text, name=f"{model} (deploy form)", allow_python=state["allow_python"])


def _is_for_training(model: str, state: dict[str, Any]) -> bool:
    """Whether a file has data layers or losses; shapes that are asked for need not suit these."""
    try:
        net = api.load(model, phase="TEST", **{**state, "shapes": {}})
    except NetdefError:  # it may be for training alone, and what is wrong is said by `deploy`, too
        return True
    sources = [layer for layer in net.layers if layer.source]
    kinds = [catalog.find(layer.type) for layer in net.layers]
    judges = any(kind is not None and kind.role == "loss" for kind in kinds)
    return judges or not sources or any(not _is_plain_input(layer) for layer in sources)


def _is_plain_input(layer: Any) -> bool:
    return layer.message.HasField("input_param")


def preparation_for(
    net: "Net",
    model: str,
    images: dict[str, Any],
    given: Mapping[str, Any],
    oversample: bool = False,
    quiet: bool = False,
) -> "Preparation":
    """Return how images are made ready for a net, as the options and its train net say.

    Raises:
        NetdefError: A file that is named is missing or damaged, or the net takes no images.
    """
    from netdef.predict.predictor import image_input
    from netdef.predict.preparation import preparation
    from netdef.weights.mean_option import read_mean_option

    recipe = _recipe(model, images["train_net"])
    changes: dict[str, Any] = {k: images[k] for k in ("scale", "crop", "resize") if images[k]}
    if images["mean"] is not None:
        changes["mean"] = read_mean_option(images["mean"])
    recipe = replace(recipe, **changes, rgb=images["rgb"], oversample=oversample)
    blob = image_input(net, given)
    return preparation(blob, recipe, None if quiet else lambda text: click.echo(text, err=True))


def _recipe(model: str, train_net: str | None) -> "Recipe":
    from netdef.predict.recipe import Recipe, recipe_of

    beside = sorted(Path(model).parent.glob(_TRAINING))
    for path in [train_net] if train_net else [model, *map(str, beside)]:
        for phase in ("TEST", "TRAIN"):
            if train_net is None and path != model and not _is_net(path):
                continue
            found = recipe_of(api.load(path, phase))
            if found is not None:
                return found
    return Recipe()


def _is_net(path: str) -> bool:
    """Whether a file that nobody named is a net without faults."""
    return not any(fault.is_error for fault in api.check(path, hints=False))
