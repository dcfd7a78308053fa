"""`netdef data`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef.cli.report import report
from netdef.cli.tracking import track

if TYPE_CHECKING:
    from netdef.data.examine import Findings

_PATH = click.Path(path_type=Path)
_FORCE = click.option("--force", is_flag=True, help="Replace what is there.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_ROOT = click.option("--root", default="", help="What stands before every path of an image list.")


class _Size(click.ParamType):
    """HxW: rows and columns."""

    name = "HxW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return rows and columns."""
        rows, _, columns = str(value).lower().partition("x")
        if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
            self.fail(f"{value!r} is not of the form 256x256: rows, x, columns", param, ctx)
        size = int(rows), int(columns)
        if max(size) > _LARGEST_SIDE:
            self.fail(f"images of more than {_LARGEST_SIDE} rows or columns", param, ctx)
        return size


_LARGEST_SIDE = 16384
"""Rows or columns to resize to; a record of the reference's holds less than 2 GiB."""


@click.group("data")
def command() -> None:
    """Make, convert, show and verify data sets."""


@command.command("digits")
@click.argument("folder", type=_PATH)
@_FORCE
def digits(folder: Path, force: bool) -> None:
    """Make train and test databases of 1,797 real handwritten digits.

    The images are those that scikit-learn carries, enlarged to 28 x 28; no digit is in both.
    """
    from netdef.data.digits import write_digits

    _tell(write_digits(folder, force))


@command.command("mnist")
@click.argument("folder", type=_PATH)
@click.option(
    "--from",
    "source",
    required=True,
    type=_PATH,
    help="Folder with the four original IDX files, plain or .gz.",
)
@_FORCE
def mnist(folder: Path, source: Path, force: bool) -> None:
    """Convert the original MNIST files to train and test databases."""
    from netdef.data.mnist import write_mnist

    _tell(write_mnist(folder, source, force))


@command.command("cifar10")
@click.argument("folder", type=_PATH)
@click.option(
    "--from",
    "source",
    required=True,
    type=_PATH,
    help="cifar-10-binary.tar.gz, what it unpacks to, or the folder with either.",
)
@_FORCE
def cifar10(folder: Path, source: Path, force: bool) -> None:
    """Convert the CIFAR-10 files to train and test databases and the mean of the training images.

    As in Caffe's example, channels stay in the order of the files: red, green, blue.
    """
    from netdef.data.cifar import write_cifar10

    _tell(write_cifar10(folder, source, force, track))
    click.echo(f"{folder / 'mean.binaryproto'}: the mean of the training images")


@command.command("cifar100")
@click.argument("folder", type=_PATH)
@click.option(
    "--from",
    "source",
    required=True,
    type=_PATH,
    help="cifar-100-binary.tar.gz, what it unpacks to, or the folder with either.",
)
@click.option("--coarse", is_flag=True, help="The 20 superclasses in place of the 100 classes.")
@_FORCE
def cifar100(folder: Path, source: Path, coarse: bool, force: bool) -> None:
    """Convert the CIFAR-100 files to train and test databases and the mean of the training images.

    Channels stay in the order of the files: red, green, blue.
    """
    from netdef.data.cifar import write_cifar100

    _tell(write_cifar100(folder, source, coarse, force, track))
    click.echo(f"{folder / 'mean.binaryproto'}: the mean of the training images")


@command.command("images")
@click.argument("listing", metavar="LIST", type=_PATH)
@click.option("-o", "target", required=True, type=_PATH, help="The LMDB to make.")
@_ROOT
@click.option(
    "--resize", "size", type=_Size(), metavar="HxW", help="Resize every image to H rows, W columns."
)
@click.option("--gray", is_flag=True, help="One channel in place of three.")
@click.option(
    "--encode",
    type=click.Choice(["raw", "jpg", "png"]),
    default="raw",
    show_default=True,
    help="How images are kept: as plain pixels, or as files.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="Of --encode jpg.",
)
@click.option("--shuffle", is_flag=True, help="Write in random order.")
@click.option("--seed", default=0, show_default=True, help="Another one is another order.")
@click.option("--check-size", is_flag=True, help="Stop unless all images are of one size.")
@click.option(
    "--on-bad",
    type=click.Choice(["skip", "stop"]),
    default="skip",
    show_default=True,
    help="What to do at an image that cannot be read; it is named in any case.",
)
@_FORCE
def images(
    listing: Path,
    target: Path,
    encode: str,
    shuffle: bool,
    seed: int,
    on_bad: str,
    force: bool,
    **options: Any,
) -> None:
    """Write the images of LIST into an LMDB, as Caffe's convert_imageset does.

    LIST has a path, a space and a label in every line. Files that are as wanted already are kept
    as they are with --encode; --resize gives the same pixels as OpenCV.
    """
    from netdef.data.image_lmdb import ImageOptions, write_images

    chosen = ImageOptions(
        encode=None if encode == "raw" else encode,  # type: ignore[arg-type]
        seed=seed if shuffle else None,
        stop=on_bad == "stop",
        **options,
    )
    left_out = 0

    def warn(diagnostic: Any) -> None:
        nonlocal left_out
        left_out += 1
        report([diagnostic])

    count = write_images(listing, target, chosen, warn, force, track)
    ending = f", {left_out:,} left out" if left_out else ""
    click.echo(f"{target}: {count:,} images{ending}")


@command.command("mean")
@click.argument("source", type=_PATH)
@click.option("-o", "target", type=_PATH, help="Where to write the mean image (.binaryproto).")
@click.option(
    "--max", "most", type=click.IntRange(min=1), help="Take only the first so many records."
)
@_JSON
def mean(source: Path, target: Path | None, most: int | None, as_json: bool) -> None:
    """Compute the mean image of a database, and print the mean of each channel.

    The channels are in the order of the database, which for images is blue, green, red.
    """
    from netdef.data.mean_image import mean_image
    from netdef.weights.binaryproto import write_binaryproto

    found = mean_image(source, most, track)
    if target is not None:
        write_binaryproto(target, found.image)
    values = [float(value) for value in found.image.mean(axis=(1, 2))]
    if as_json:
        _echo_json({"records": found.count, "shape": found.shape, "mean_values": values})
        return
    size = " x ".join(map(str, found.shape))
    ending = f", written to {target}" if target else ""
    click.echo(f"mean of {found.count:,} images of {size}{ending}")
    fields = " ".join(f"mean_value: {value:.6g}" for value in values)
    click.echo(f"transform_param {{ {fields} }}")


@command.command("show")
@click.argument("source", type=_PATH)
@click.option("-o", "sheet", type=_PATH, help="Draw a contact sheet (PNG).")
@click.option(
    "--count",
    type=click.IntRange(1, 2500),
    default=64,
    show_default=True,
    help="Images on the contact sheet, evenly spread.",
)
@click.option("--rgb", is_flag=True, help="Channels are red, green, blue (CIFAR), not the reverse.")
@click.option(
    "--max", "most", type=click.IntRange(min=1), help="Look at the first so many records only."
)
@_ROOT
@_JSON
def show(
    source: Path,
    sheet: Path | None,
    count: int,
    rgb: bool,
    most: int | None,
    root: str,
    as_json: bool,
) -> None:
    """Tell what a data source holds, and draw it.

    SOURCE is an LMDB or LevelDB, an HDF5 file, or a text file that lists HDF5 files or images.
    """
    from netdef.cli.data_text import dict_of, text_of
    from netdef.data.examine import Wanted, examine

    wanted = Wanted(most=most, pictures=count if sheet else 0, root=root)
    found = examine(source, wanted, track)
    if as_json:
        _echo_json(dict_of(found))
    else:
        click.echo(text_of(found), nl=False)
        if found.faults:
            click.echo(f"broken: {len(found.faults):,}; `netdef data verify` names them")
    if sheet is not None:
        _draw(sheet, found, rgb, as_json)


@command.command("verify")
@click.argument("source", type=_PATH)
@click.option(
    "--classes", type=click.IntRange(min=1), help="Labels are whole numbers from 0 to below this."
)
@_ROOT
@_JSON
def verify(source: Path, classes: int | None, root: str, as_json: bool) -> None:
    """Read and decode every record of a data source, and name what is broken.

    SOURCE is an LMDB or LevelDB, an HDF5 file, or a text file that lists HDF5 files or images. Keys
    have to ascend; sizes may differ and are listed. The exit code is 1 when anything is broken.
    """
    from netdef.cli.data_text import dict_of, text_of
    from netdef.data.examine import Wanted, examine

    found = examine(source, Wanted(decode=True, classes=classes, root=root), track)
    if as_json:
        _echo_json(dict_of(found))
    else:
        report((fault.diagnostic() for fault in found.faults), err=False)
        click.echo(text_of(found), nl=False)
        click.echo(f"broken: {len(found.faults):,}" if found.faults else "nothing is broken")
    click.get_current_context().exit(int(bool(found.faults)))


def _draw(sheet: Path, found: "Findings", rgb: bool, quiet: bool) -> None:
    from netdef.data.contact_sheet import write_sheet
    from netdef.source import NetdefError, error
    from netdef.source.locate import shown

    # What is no image at all has no place on a sheet; what is broken has.
    drawn = [p for p in found.pictures if p.image is not None or p.broken]
    if not drawn:
        text = f"{shown(found.path)} holds no images to draw"
        raise NetdefError(error("unsupported", text))
    write_sheet(sheet, drawn, rgb)
    if not quiet:
        click.echo(f"{sheet}: {len(drawn)} images")


def _echo_json(data: dict[str, Any]) -> None:
    click.echo(json.dumps(data, indent=2))


def _tell(written: dict[Path, int]) -> None:
    for path, count in written.items():
        click.echo(f"{path}: {count:,} images")
