"""`netdef explain`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef.cli.answering import answering_net, image_options, preparation_for
from netdef.cli.arrays import ArrayOption, read_arrays
from netdef.cli.explain_text import field_lines
from netdef.cli.options import device_options, state_options

if TYPE_CHECKING:
    import numpy as np

    from netdef.explain.score import Score
    from netdef.predict.preparation import Picture, Preparation
    from netdef.torch_backend.executable import Executable

_PATH = click.Path(path_type=Path)
_LAST = "last"


class _UnitOption(click.ParamType):
    """BLOB:ROW,COLUMN."""

    name = "BLOB:ROW,COLUMN"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """Return the blob and the place."""
        blob, _, place = str(value).rpartition(":") if ":" in str(value) else (str(value), "", "")
        try:
            numbers = tuple(int(word) for word in place.split(",")) if place else ()
        except ValueError:
            numbers = (-1,)
        if not blob or any(number < 0 for number in numbers):
            self.fail(f"{value!r} is not of the form conv3:5,7", param, ctx)
        return blob, numbers


@click.command("explain")
@click.argument("model", type=click.Path())
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[IMAGE|FOLDER]...")
@click.option("--weights", type=click.Path(), help="Weight file; without it, fillers decide.")
@click.option(
    "-o",
    "--output",
    "folder",
    type=_PATH,
    default=Path(),
    help="Folder for the pictures; the working folder by default.",
)
@click.option("--class", "number", type=int, help="Class to explain; each image's best by default.")
@click.option("--scores", help="Blob of scores; what the softmax of the output reads by default.")
@click.option("--saliency", is_flag=True, help="The gradient of the score.")
@click.option("--guided", is_flag=True, help="The same by guided backpropagation.")
@click.option(
    "--grad-cam",
    metavar="BLOB",
    help="Grad-CAM of this blob; `last` for the last with rows and columns.",
)
@click.option("--occlusion", is_flag=True, help="How much covering each place lowers the score.")
@click.option("--patch", default=5, show_default=True, type=click.IntRange(min=1), help="Its edge.")
@click.option(
    "--stride",
    default=2,
    show_default=True,
    type=click.IntRange(min=1),
    help="From patch to patch.",
)
@click.option(
    "--unit", "units", type=_UnitOption(), multiple=True, help="Show what a unit sees; repeatable."
)
@click.option("--receptive-fields", is_flag=True, help="Print what the units of every blob see.")
@click.option("--invert", "inverted", metavar="BLOB", help="Make an image that gives these values.")
@click.option("--style", type=_PATH, help="Give the image the style of this one.")
@click.option("--style-blob", "style_blobs", multiple=True, help="Blob of the style; repeatable.")
@click.option("--content-blob", "content_blobs", multiple=True, help="Blob of the content.")
@click.option("--style-weight", default=10.0, show_default=True, help="Style against content.")
@click.option(
    "--steps", default=200, show_default=True, type=click.IntRange(min=1), help="Of optimising."
)
@click.option(
    "--seed", default=0, show_default=True, help="Of the noise that --invert starts with."
)
@click.option(
    "--input",
    "arrays",
    type=ArrayOption(),
    multiple=True,
    help="Values of an input that takes no images; repeatable.",
)
@image_options
@state_options
@device_options()
def command(
    model: str,
    paths: tuple[str, ...],
    weights: str | None,
    images: dict[str, Any],
    arrays: tuple[tuple[str, Path], ...],
    state: dict[str, Any],
    device: str | None,
    precision: str,
    **asked: Any,
) -> None:
    r"""Show what a net looks at.

    Pictures are written as PNG, named after image and method. Without a method it is --saliency and
    --grad-cam last. Scores are explained as they are before the softmax. Images are made ready as
    for `netdef predict`.

    \b
    Style transfer, with the blobs of a VGG net:
      netdef explain vgg.prototxt --weights vgg.caffemodel photo.jpg --style painting.png \
        --content-blob conv4_2 --style-blob conv1_1 --style-blob conv2_1 --style-blob conv3_1
    """
    from netdef.predict.image_files import image_files
    from netdef.predict.predictor import image_input
    from netdef.source import made_folder
    from netdef.torch_backend.executable import Executable

    _check_usage(paths, asked)
    net = answering_net(model, state)
    exe = Executable(net, device, precision)
    if weights is not None:
        exe.load_weights(weights)
    given = read_arrays(arrays)
    if asked["receptive_fields"]:
        for line in field_lines(exe, image_input(net, given).name):
            click.echo(line)
    files = image_files(paths)
    if not files:
        return
    ready = preparation_for(net, model, images, given)
    work = _Work(exe, ready, given, made_folder(asked["folder"]), asked, set())
    for path in files:
        work.explain(path)


def _check_usage(paths: tuple[str, ...], asked: dict[str, Any]) -> None:
    if not paths and not asked["receptive_fields"]:
        raise click.UsageError("name an image, or ask for --receptive-fields")
    if asked["style"] and not (asked["style_blobs"] and asked["content_blobs"]):
        raise click.UsageError("--style needs --style-blob and --content-blob")


@dataclass(frozen=True)
class _Work:
    """Explains one image after another."""

    exe: "Executable"
    ready: "Preparation"
    given: dict[str, Any]
    folder: Path
    asked: dict[str, Any]
    taken: set[Path]

    def explain(self, path: Path) -> None:
        """Write what is asked for about an image."""
        picture = self.ready.read(path)
        feed = {self.ready.blob: self.ready.seen(picture), **self.given}
        image = self._shown(feed[self.ready.blob], picture)
        asked = self.asked
        methods = ("saliency", "guided", "grad_cam", "occlusion", "units", "inverted", "style")
        nothing = not any(asked[name] for name in methods) and not asked["receptive_fields"]
        maps = dict(asked, saliency=True, grad_cam=_LAST) if nothing else asked
        if any(maps[name] for name in methods[:4]):
            self._maps(path, image, feed, maps)
        for blob, place in asked["units"]:
            self._unit(path, image, blob, place)
        if asked["inverted"]:
            self._invert(path, image, picture, feed)
        if asked["style"]:
            self._style(path, image, picture, feed)

    def _maps(
        self, path: Path, image: "np.ndarray", feed: dict[str, Any], asked: dict[str, Any]
    ) -> None:
        from netdef.explain.grad_cam import grad_cam, last_maps
        from netdef.explain.occlusion import occlusion
        from netdef.explain.saliency import guided_saliency, magnitude, saliency
        from netdef.explain.score import best_class, scores_blob

        exe, source = self.exe, self.ready.blob
        score = best_class(exe, feed, scores_blob(exe, asked["scores"]), asked["number"])
        if asked["saliency"]:
            found = magnitude(saliency(exe, feed, source, score))[0]
            self._map(path, "saliency", image, found, score, "largest |gradient|")
        if asked["guided"]:
            found = magnitude(guided_saliency(exe, feed, source, score))[0]
            self._map(path, "guided", image, found, score, "largest |guided gradient|")
        if asked["grad_cam"]:
            given = asked["grad_cam"]
            blob = last_maps(exe, score.blob) if given == _LAST else given
            found = grad_cam(exe, feed, blob, score)[0]
            self._map(path, "grad-cam", image, found, score, f"evidence in {blob}")
        if asked["occlusion"]:
            found = occlusion(exe, feed, source, score, asked["patch"], asked["stride"])
            self._map(path, "occlusion", image, found, score, "fall of the score")

    def _map(
        self,
        path: Path,
        method: str,
        image: "np.ndarray",
        values: Any,
        score: "Score",
        legend: str,
    ) -> None:
        from netdef.explain.pictures import write_map

        target = self._target(path, method)
        title = f"{method}: class {score.number} of {score.blob}"
        write_map(target, image, values.float().cpu().numpy(), title, legend)
        click.echo(f"{target}: {title}")

    def _unit(self, path: Path, image: "np.ndarray", blob: str, place: tuple[int, ...]) -> None:
        from netdef.explain.pictures import write_box
        from netdef.explain.receptive_field import receptive_field

        box = receptive_field(self.exe, blob, place, self.ready.blob)
        at = f"{blob}:{','.join(map(str, place))}" if place else blob
        target = self._target(path, f"unit-{at}".replace("/", "-").replace(":", "-"))
        write_box(target, image, box, f"what {at} sees")
        if box is None:
            click.echo(f"{target}: {at} sees nothing of {self.ready.blob}")
            return
        (top, bottom), (left, right) = box
        click.echo(f"{target}: {at} sees rows {top} to {bottom}, columns {left} to {right}")

    def _invert(
        self, path: Path, image: "np.ndarray", picture: "Picture", feed: dict[str, Any]
    ) -> None:
        from netdef.explain.inversion import invert

        blob, asked = self.asked["inverted"], self.asked
        found = invert(
            self.exe, feed, self.ready.blob, blob, steps=asked["steps"], seed=asked["seed"]
        )
        made = self._shown(found.image.cpu().numpy(), picture)
        self._made(path, "inverted", [("image", image), (f"from {blob}", made)], found.losses)

    def _style(
        self, path: Path, image: "np.ndarray", picture: "Picture", feed: dict[str, Any]
    ) -> None:
        from netdef.explain.style import transfer_style

        asked = self.asked
        other = self.ready.read(asked["style"])
        style = self.ready.seen(other)
        found = transfer_style(
            self.exe,
            feed,
            self.ready.blob,
            style,
            asked["content_blobs"],
            asked["style_blobs"],
            asked["steps"],
            asked["style_weight"],
        )
        made = self._shown(found.image.cpu().numpy(), picture)
        panels = [("image", image), ("style", self._shown(style, other)), ("both", made)]
        self._made(path, "style", panels, found.losses)

    def _made(
        self, path: Path, method: str, panels: list[tuple[str, Any]], losses: list[float]
    ) -> None:
        from netdef.explain.pictures import write_images

        target = self._target(path, method)
        write_images(target, panels, losses)
        click.echo(f"{target}: objective from {losses[0]:.4g} to {min(losses):.4g}")

    def _target(self, path: Path, method: str) -> Path:
        from netdef.predict.drawing import drawn_path

        return drawn_path(self.folder, path, self.taken, f"-{method}")

    def _shown(self, seen: "np.ndarray", picture: "Picture") -> "np.ndarray":
        """Return what the net sees as an image again."""
        from netdef.explain.pictures import as_picture

        by = self.ready.transformer
        mean = by.mean
        if mean is not None and mean.shape[1:] != (1, 1):
            top, left, rows, columns = picture.window
            mean = mean[:, top : top + rows, left : left + columns]
        return as_picture(seen[0], mean, by.scale, self.ready.rgb)
