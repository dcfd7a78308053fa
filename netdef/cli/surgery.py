"""`netdef surgery`."""

from pathlib import Path
from typing import Any

import click

from netdef.cli.options import state_options
from netdef.source import NetdefError, error


class _Renaming(click.ParamType):
    """OLD=NEW."""

    name = "OLD=NEW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return both names."""
        old, _, new = str(value).partition("=")
        if not old or not new:
            self.fail(f"{value!r} is not of the form conv1=first", param, ctx)
        return old, new


class _Replacement(click.ParamType):
    """NAME=FILE."""

    name = "NAME=FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Return the name of the layer and the file."""
        name, _, path = str(value).partition("=")
        if not name or not path:
            self.fail(f"{value!r} is not of the form conv1=layer.prototxt", param, ctx)
        return name, Path(path)


@click.command("surgery")
@click.argument("model", type=click.Path())
@click.option("--weights", type=click.Path(), help="Weight file; it is operated on, too.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write to."
)
@click.option(
    "--replace",
    "replacements",
    type=_Replacement(),
    multiple=True,
    help="Put the layers in a file in the place of one; repeatable.",
)
@click.option("--cut", "blob", metavar="BLOB", help="Keep only what a blob needs.")
@click.option(
    "--fully-convolutional",
    is_flag=True,
    help="Make InnerProduct layers convolutions, for images of any size.",
)
@click.option(
    "--rename",
    "renamings",
    type=_Renaming(),
    multiple=True,
    help="Rename a layer, and the blobs of its name; repeatable.",
)
@state_options
def command(
    model: str,
    weights: str | None,
    output: Path,
    replacements: tuple[tuple[str, Path], ...],
    blob: str | None,
    fully_convolutional: bool,
    renamings: tuple[tuple[str, str], ...],
    state: dict[str, Any],
) -> None:
    r"""Operate on a net and its weights.

    Written are MODEL's name with .prototxt, and with the suffix of the weights. Comments stay with
    what they speak of. What is asked for is done in this order: replace, cut, fully convolutional,
    rename; other names are those of MODEL.

    \b
    Example: a classifier that answers for every place of a larger image.
      netdef surgery caffenet/deploy.prototxt --weights caffenet.caffemodel \
        --fully-convolutional --rename fc6=fc6-conv -o full_conv
      netdef summary full_conv/deploy.prototxt --shape data=1,3,451,451

    From Python, with more operations: `netdef.surgery`.
    """
    if not (replacements or blob or fully_convolutional or renamings):
        raise click.UsageError("say what to do: --replace, --cut, --fully-convolutional, --rename")
    from netdef import surgery
    from netdef.source import read

    target = output / f"{Path(model).stem}.prototxt"
    if target.exists() and target.samefile(model):
        text = f"{target} would take the place of the net it is made from"
        raise NetdefError(error("already-there", text, note="choose another folder"))
    draft = surgery.open_draft(model, weights, **state)
    for name, path in replacements:
        draft = surgery.replace(draft, name, read(path).text)
    if blob is not None:
        draft = surgery.cut(draft, blob)
    if fully_convolutional:
        draft = surgery.fully_convolutional(draft)
    for old, new in renamings:
        draft = surgery.rename(draft, old, new)
    suffix = None if weights is None else "".join(Path(weights).suffixes[-1:])
    for label, path in zip(
        ("net", "weights"), draft.save(output, target.stem, suffix), strict=False
    ):
        click.echo(f"{label}: {path}")
    net = draft.net()
    for name in net.outputs:
        shape = net.blobs[name].shape
        click.echo(f"  output {name}: {' x '.join(map(str, shape)) if shape else 'unknown'}")
