"""`netdef data`."""

from pathlib import Path

import click


@click.group("data")
def command() -> None:
    """Make and convert data sets."""


@command.command("digits")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace what is there.")
def digits(folder: Path, force: bool) -> None:
    """Make train and test databases of 1,797 real handwritten digits.

    The images are those that scikit-learn carries, enlarged to 28 x 28; no digit is in both.
    """
    from netdef.data.digits import write_digits

    _tell(write_digits(folder, force))


@command.command("mnist")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "source",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder with the four original IDX files, plain or .gz.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
def mnist(folder: Path, source: Path, force: bool) -> None:
    """Convert the original MNIST files to train and test databases."""
    from netdef.data.mnist import write_mnist

    _tell(write_mnist(folder, source, force))


def _tell(written: dict[Path, int]) -> None:
    for path, count in written.items():
        click.echo(f"{path}: {count:,} images")
