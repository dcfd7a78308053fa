"""`netdef predict`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef.cli.answering import answering_net, image_options, preparation_for
from netdef.cli.arrays import ArrayOption, read_arrays
from netdef.cli.options import device_options, engine_option, state_options
from netdef.cli.predict_text import FORMS, Answer

if TYPE_CHECKING:
    from netdef.predict.predictor import Batch

_PATH = click.Path(path_type=Path)


@click.command("predict")
@click.argument("model", type=click.Path())
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[IMAGE|FOLDER]...")
@click.option("--weights", required=True, type=click.Path(), help="Weight file.")
@click.option("--recursive", is_flag=True, help="Look into the folders in folders, too.")
@click.option(
    "--list", "lists", multiple=True, type=_PATH, help="Text file, an image in each line."
)
@click.option(
    "--input",
    "arrays",
    type=ArrayOption(),
    multiple=True,
    help="Values of an input that takes no images; repeatable.",
)
@image_options
@click.option(
    "--oversample",
    is_flag=True,
    help="Average the scores over ten crops: corners, centre, and these mirrored.",
)
@click.option("--output", help="The output that answers, where there are several.")
@click.option(
    "--labels", type=_PATH, help="Names of the classes: a line each, or synset_words.txt."
)
@click.option(
    "--top", default=5, show_default=True, type=click.IntRange(min=1), help="Classes shown."
)
@click.option("--draw", type=_PATH, help="Folder for images with the detections drawn in.")
@click.option(
    "--threshold", default=0.5, show_default=True, help="Least score of a detection that is shown."
)
@click.option("--blob", "blobs", multiple=True, help="Write this blob, no answer; repeatable.")
@click.option("-o", "target", type=_PATH, help="Where to: .h5, .npz, or a folder for an LMDB.")
@click.option("--force", is_flag=True, help="Replace an LMDB that is there.")
@click.option(
    "--batch", default=16, show_default=True, type=click.IntRange(min=1), help="Images at a time."
)
@click.option("--csv", "form", flag_value="csv", help="Print CSV.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@state_options
@device_options()
@engine_option("auto", "torch", "optimized", "compiled", "onnxruntime", default="torch")
def command(
    model: str,
    paths: tuple[str, ...],
    weights: str,
    images: dict[str, Any],
    arrays: tuple[tuple[str, Path], ...],
    blobs: tuple[str, ...],
    target: Path | None,
    state: dict[str, Any],
    device: str | None,
    precision: str,
    engine: str,
    batch: int,
    force: bool,
    **rest: Any,
) -> None:
    """Classify images, extract features, draw detections.

    Of a net for training, the deploy form is run. Images are made ready as the data layer of the
    train net says: resized, cropped in the centre, mean subtracted, scaled, from bytes 0 to 255
    with blue first. Where it does not say how large whole images are, these are resized straight to
    what the net sees; --resize gives another size.

    Engines other than torch give the same answers up to rounding, and faster: `optimized`, which is
    what auto takes, is a folded copy of the net; `compiled` takes a while to begin, and pays for
    many images; `onnxruntime` runs on the CPU.
    """
    if engine == "onnxruntime" and device not in (None, "cpu"):
        raise click.UsageError("the engine onnxruntime runs on the CPU")
    _check_usage(blobs, target, rest["oversample"])
    from netdef.engines import engine_of
    from netdef.predict.image_files import image_files
    from netdef.predict.kinds import check_output
    from netdef.predict.predictor import predictions
    from netdef.torch_backend.executable import Executable

    given = read_arrays(arrays)
    files = image_files(paths, rest["recursive"], rest["lists"])
    if not files and not given:
        raise click.UsageError("name images or folders, or give --list or --input")
    net = answering_net(model, state)
    check_output(rest["output"], net.outputs)
    ready = None
    if files:
        ready = preparation_for(net, model, images, given, rest["oversample"], bool(rest["form"]))
    exe = Executable(net, device, precision)
    exe.load_weights(weights)
    wanted = blobs or net.outputs
    computing = engine_of(exe, engine, wanted)
    batches = predictions(computing, files, ready, given, wanted, batch)
    if target is not None:
        _write_features(batches, blobs, target, force)
    else:
        _show_answers(batches, **rest)


def _check_usage(blobs: tuple[str, ...], target: Path | None, oversample: bool) -> None:
    if bool(blobs) != (target is not None):
        raise click.UsageError("--blob says what is written, -o where to; give both")
    if blobs and oversample:
        raise click.UsageError("--oversample averages scores; --blob writes what single crops give")


def _write_features(
    batches: "Iterable[Batch]", blobs: tuple[str, ...], target: Path, force: bool
) -> None:
    from netdef.predict.features import feature_writer

    count = 0
    shapes: dict[str, Any] = {}
    with feature_writer(target, blobs, force) as writer:
        for done in batches:
            writer.add(done.names, done.values)
            count += len(done.names)
            shapes = {name: rows.shape[1:] for name, rows in done.values.items()}
    click.echo(f"{target}: {count:,} rows")
    for name, shape in shapes.items():
        click.echo(f"  {name}: {' x '.join(map(str, shape)) or '1'} each")


def _show_answers(
    batches: "Iterable[Batch]",
    labels: Path | None,
    form: str | None,
    draw: Path | None,
    **rest: Any,
) -> None:
    from netdef.predict.labels import read_labels

    names = read_labels(labels) if labels else {}
    answers = _answers(batches, names, drawing=draw is not None, **rest)
    if draw is not None:
        answers = _drawn(answers, draw)
    FORMS[form or "text"](answers)


def _answers(
    batches: "Iterable[Batch]",
    labels: dict[int, str],
    drawing: bool,
    output: str | None,
    top: int,
    threshold: float,
    **_: Any,
) -> Iterator[Answer]:
    """Yield the answer for every image: classes, or detections."""
    from netdef.predict.detections import detections
    from netdef.predict.kinds import is_detections, output_of
    from netdef.predict.labels import check_labels
    from netdef.predict.ranking import ranking

    for batch in batches:
        name = output_of(batch.values, output, drawing)
        if is_detections(batch.values[name]):
            pictures = list(batch.pictures)
            found = detections(batch.values[name], pictures, labels, threshold)
            for picture, boxes in zip(pictures, found, strict=True):
                yield Answer(str(picture.path), boxes=boxes)
            continue
        scores = batch.averaged(name)
        check_labels(labels, scores.shape[1])
        for image, guesses in zip(batch.names, ranking(scores, labels, top), strict=True):
            yield Answer(image, guesses=guesses)


def _drawn(answers: Iterable[Answer], folder: Path) -> Iterator[Answer]:
    from netdef.predict.drawing import draw_detections, drawn_path
    from netdef.source import made_folder

    taken: set[Path] = set()
    for answer in answers:
        path = drawn_path(made_folder(folder), Path(answer.image), taken)
        draw_detections(Path(answer.image), answer.boxes, path)
        yield answer
