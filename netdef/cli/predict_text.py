"""Answers about images as text, CSV, JSON, or a table on a terminal."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from netdef.predict.detections import Detection
    from netdef.predict.ranking import Guess

_CORNERS = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class Answer:
    """What a net says of an image: classes, or detections.

    Attributes:
        image: The image.
        guesses: The best classes, best first; None where it finds boxes.
        boxes: What it finds.
    """

    image: str
    guesses: "Sequence[Guess] | None" = None
    boxes: "Sequence[Detection]" = field(default_factory=list)


def _text(answers: Iterable[Answer]) -> None:
    if sys.stdout.isatty():
        _table(answers)
        return
    for answer in answers:
        click.echo(answer.image)
        for row in _rows(answer):
            label = f"  {row['label']}" if row["label"] else ""
            line = f"  {row['score']:.4f}  {row['class']}{label}"
            if "left" in row:
                line += "  box " + " ".join(f"{row[corner]:.1f}" for corner in _CORNERS)
            click.echo(line)
        if answer.guesses is None and not answer.boxes:
            click.echo("  nothing found")


def _table(answers: Iterable[Answer]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for answer in answers:
        table = Table(box=SIMPLE_HEAD, title=Text(answer.image), title_justify="left")
        columns = ("score", "class", "label")
        for name in columns if answer.guesses is not None else (*columns, *_CORNERS):
            table.add_column(name, justify="left" if name == "label" else "right")
        for row in _rows(answer):
            cells = [Text(row["label"]), *(f"{row[c]:.1f}" for c in _CORNERS if c in row)]
            table.add_row(f"{row['score']:.4f}", str(row["class"]), *cells)
        console.print(table)


def _csv(answers: Iterable[Answer]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for number, answer in enumerate(answers):
        boxes = answer.guesses is None
        if not number:
            head = ("image", "rank", "class", "label", "score")
            writer.writerow((*head, *_CORNERS) if boxes else head)
        for rank, row in enumerate(_rows(answer), 1):
            corners = [f"{row[c]:.2f}" for c in _CORNERS] if boxes else []
            score = f"{row['score']:.9g}"
            writer.writerow([answer.image, rank, row["class"], row["label"], score, *corners])


def _json(answers: Iterable[Answer]) -> None:
    done = [
        {
            "image": answer.image,
            "predictions" if answer.guesses is not None else "detections": _rows(answer),
        }
        for answer in answers
    ]
    click.echo(json.dumps(done, indent=2))


def _rows(answer: Answer) -> list[dict[str, Any]]:
    if answer.guesses is not None:
        return [
            {"class": guess.number, "label": guess.label, "score": guess.score}
            for guess in answer.guesses
        ]
    return [
        {"class": one.number, "label": one.label, "score": one.score}
        | dict(zip(_CORNERS, one.box, strict=True))
        for one in answer.boxes
    ]


FORMS: Mapping[str, Callable[[Iterable[Answer]], None]] = {
    "text": _text,
    "csv": _csv,
    "json": _json,
}
"""How answers are printed, by name."""
