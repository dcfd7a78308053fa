"""Learning curves as pictures."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from netdef.source import NetdefError
from netdef.training.curve import draw_curves
from netdef.training.events import Evaluation, Progress
from netdef.training.history import History
from netdef.training.quantities import lines_of, quantities


def history(name: str, scale: float = 1.0) -> History:
    """Return a run of 20 iterations with two test nets."""
    made = History(name)
    for i in range(20):
        outputs = {"loss": [1.0], "top": [i / 20], "many": [1.0, 2.0]}
        told = Progress(i, 20, scale / (i + 1), 0.1, outputs, i + 1, 64 * (i + 1), i / 10, 2.0)
        made.progress(told)
    for i in (0, 10, 20):
        for net in (0, 1):
            made.tested(Evaluation(i, net, {"err": [2.0 - i / 20], "top": [0.9]}, {"err": 1.0}))
    return made


def text_of(path: Path) -> str:
    """Return all that is written in an SVG."""
    return "\n".join(ET.parse(path).getroot().itertext())


def test_train_against_test(tmp_path: Path) -> None:
    """A single run: its name above, in each panel what the lines are."""
    draw_curves([history("mine")], tmp_path / "c.svg")
    text = text_of(tmp_path / "c.svg")
    for part in ("mine", "training loss", "test err", "test err (test net 1)", "score"):
        assert part in text
    for part in ("training top", "test top", "iteration"):
        assert part in text
    assert "rate" not in text and "many" not in text and "test loss" not in text


def test_many_runs(tmp_path: Path) -> None:
    """One colour per run, whatever it is called, and the names below."""
    runs = [history(name, i + 1.0) for i, name in enumerate(["a$b$", "_c", "网络"])]
    draw_curves(runs, tmp_path / "c.svg", ["rate"])
    text = text_of(tmp_path / "c.svg")
    assert all(run.name in text for run in runs)
    assert "learning rate" in text and "score" not in text
    svg = (tmp_path / "c.svg").read_text()
    strokes = set(re.findall(r"stroke: (#[0-9a-f]{6}); stroke-linecap: square", svg))
    assert len(strokes) == 3


def test_more_runs_than_named_colours(tmp_path: Path) -> None:
    """They still differ."""
    draw_curves([history(f"run {i}", i + 1) for i in range(12)], tmp_path / "c.svg", ["loss"])
    svg = (tmp_path / "c.svg").read_text()
    assert len(set(re.findall(r"fill: (#[0-9a-f]{6}); stroke: #[0-9a-f]{6}; stroke-lin", svg))) > 11


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".SVG"])
def test_equal_bytes(suffix: str, tmp_path: Path) -> None:
    """Equal runs give equal pictures, in every format."""
    for name in ("a", "b"):
        draw_curves([history("run")], tmp_path / f"{name}{suffix}", smooth=3)
    a, b = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b"))
    assert a == b and len(a) > 1000


def test_scales_and_smoothing(tmp_path: Path) -> None:
    """Log scales take zeros, negative values and gaps; smoothing leaves what was told behind."""
    run = history("run")
    nan = float("nan")
    run.measures["loss"] |= {3: 0.0, 4: -1.0, 5: nan, 6: float("inf")}
    run.measures["rate"] = {0: nan}
    for log in (False, True):
        draw_curves([run], tmp_path / "c.svg", ["loss", "rate", "top"], 5, log)
    plain = len(lines_of(run, "loss"))
    draw_curves([run], tmp_path / "plain.svg", ["loss"])
    draw_curves([run], tmp_path / "smooth.svg", ["loss"], smooth=1000)
    count = [
        (tmp_path / f).read_text().count("clip-path=") - 1 for f in ("plain.svg", "smooth.svg")
    ]
    assert plain == 3
    assert count[1] == count[0] + 1


def test_what_can_be_asked_for() -> None:
    """Measures and outputs by name; elements only when their output is asked for."""
    run = history("run")
    assert quantities([run]) == [
        "loss", "accuracy", "rate", "gradient-norm", "speed", "err", "many", "top",
    ]  # fmt: skip
    assert [line.label for line in lines_of(run, "many")] == [
        "training many[0]", "training many[1]",
    ]  # fmt: skip
    assert [line.label for line in lines_of(run, "loss")] == [
        "training loss", "test err", "test err (test net 1)",
    ]  # fmt: skip


def test_slips(tmp_path: Path) -> None:
    """An unknown quantity and an unknown suffix are faults that say what there is."""
    with pytest.raises(NetdefError, match=r"unknown-quantity(?s:.*)did you mean `loss`\?"):
        draw_curves([history("run")], tmp_path / "c.svg", ["los"])
    with pytest.raises(NetdefError, match=r"unknown-format(?s:.*)\.pdf, \.png, \.svg"):
        draw_curves([history("run")], tmp_path / "c.jpg")
    with pytest.raises(NetdefError, match="cannot-write"):
        draw_curves([history("run")], tmp_path / "nowhere" / "c.svg")
    assert list(tmp_path.iterdir()) == []
