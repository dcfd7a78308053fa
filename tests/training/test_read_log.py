"""Reading logs: netdef's own, and Caffe's of all its times."""

from pathlib import Path

import pytest

from netdef.source import NetdefError
from netdef.training.history import History
from netdef.training.read_log import read_history

HEAD = "I0613 10:21:26.202908   202 "
SINCE_2016 = """\
Log file created at: 2017/06/13 10:21:20
{0}caffe.cpp:249] Starting Optimization
{0}solver.cpp:330] Iteration 0, Testing net (#0)
{0}solver.cpp:397]     Test net output #0: accuracy = 0.125
{0}solver.cpp:397]     Test net output #1: loss = 2.5 (* 1 = 2.5 loss)
{0}solver.cpp:330] Iteration 0, Testing net (#1)
{0}solver.cpp:397]     Test net output #0: accuracy = 0.25
{0}solver.cpp:218] Iteration 0 (-4.41298e+18 iter/s, 3.779s/100 iters), loss = 2.375
{0}solver.cpp:237]     Train net output #0: loss1/top-1 = 0.5
{0}solver.cpp:237]     Train net output #1: aux = 4.5 (* 0.3 = 1.35 loss)
{0}sgd_solver.cpp:105] Iteration 0, lr = 0.01
{0}solver.cpp:218] Iteration 100 (1.67977 iter/s, 59.532s/100 iters), loss = 0.25
{0}sgd_solver.cpp:105] Iteration 100, lr = 1e-05
{0}solver.cpp:447] Snapshotting to binary proto file a_iter_200.caffemodel
{0}solver.cpp:310] Iteration 200, loss = 0.125
"""
BEFORE_2016 = """\
{0}solver.cpp:337] Iteration 0, Testing net (#0)
{0}blocking_queue.cpp:50] Data layer prefetch queue empty
{0}solver.cpp:404]     Test net output #0: accuracy = 0.5
{0}solver.cpp:228] Iteration 0, loss = 230.5
{0}solver.cpp:244]     Train net output #0: loss = 2.5 (* 1 = 2.5 loss)
{0}sgd_solver.cpp:106] Iteration 0, lr = 0.001
"""
OF_2013 = """\
{0}solver.cpp:204] Iteration 100, lr = 0.5
{0}solver.cpp:66] Iteration 100, loss = 0.25
{0}solver.cpp:84] Testing net
{0}solver.cpp:111] Test score #0: 0.75
{0}solver.cpp:111] Test score #1: 0.0625
{0}solver.cpp:87] Iteration 500, Testing net
{0}solver.cpp:114] Test score #0: 0.875
"""


def history_of(text: str, folder: Path, name: str = "caffe.log") -> History:
    """Return what a log of this text tells."""
    path = folder / name
    path.write_text(text.replace("{0}", HEAD))
    return read_history(path)


def test_caffe_since_2016(tmp_path: Path) -> None:
    """Speed behind the iteration, several test nets, parts of the loss, the loss at the end."""
    history = history_of(SINCE_2016, tmp_path)
    assert history.name == "caffe"
    assert history.measures == {
        "loss": {0: 2.375, 100: 0.25, 200: 0.125},
        "rate": {0: 0.01, 100: 1e-5},
    }
    assert history.scores == {
        (0, "accuracy"): {0: 0.125},
        (0, "loss"): {0: 2.5},
        (1, "accuracy"): {0: 0.25},
    }
    assert history.outputs == {"loss1/top-1": {0: 0.5}, "aux": {0: 4.5}}
    assert history.losses == {"loss", "aux"}


def test_caffe_before_2016(tmp_path: Path) -> None:
    """No speed; lines of other parts in between; the line ends of Windows."""
    history = history_of(BEFORE_2016.replace("\n", "\r\n"), tmp_path)
    assert history.measures == {"loss": {0: 230.5}, "rate": {0: 0.001}}
    assert history.scores == {(0, "accuracy"): {0: 0.5}}


def test_caffe_of_2013(tmp_path: Path) -> None:
    """Scores without names; a test that does not say of which iteration is of the last one."""
    history = history_of(OF_2013, tmp_path)
    assert history.measures == {"loss": {100: 0.25}, "rate": {100: 0.5}}
    assert history.scores == {
        (0, "score #0"): {100: 0.75, 500: 0.875},
        (0, "score #1"): {100: 0.0625},
    }


def test_a_fork_with_epochs(tmp_path: Path) -> None:
    """What stands between the speed and the loss does not matter."""
    line = "{0}solver.cpp:370] Iteration 20 (5 iter/s, 4s/20 iter), 0.1/10.0ep, loss = 0.5\n"
    assert history_of(line, tmp_path).measures == {"loss": {20: 0.5}}


def test_several_elements(tmp_path: Path) -> None:
    """Caffe writes a line per element; they are told apart by their place."""
    text = "Iteration 5, Testing net (#0)\n" + "".join(
        f"    Test net output #{i}: hit = 0.{i + 1}\n" for i in range(3)
    )
    history = history_of(text, tmp_path)
    assert history.scores == {(0, f"hit[{i}]"): {5: (i + 1) / 10} for i in range(3)}


@pytest.mark.parametrize("value", ["nan", "-nan", "1.#QNAN", "-1.#IND"])
def test_no_numbers(value: str, tmp_path: Path) -> None:
    """A loss that is none is a gap, as every system writes it."""
    found = history_of(f"Iteration 5, loss = {value}\n", tmp_path).measures["loss"][5]
    assert found != found


def test_resuming_replaces(tmp_path: Path) -> None:
    """A log that goes back was resumed: what it told of those iterations before is forgotten."""
    lines = [f"Iteration {i}, loss = {i}\n" for i in (0, 10, 20, 30)]
    again = ["Iteration 20, Testing net (#0)\n", "Test net output #0: a = 1\n"]
    again += ["Iteration 20, loss = 7\n"]
    history = history_of("".join(lines + again), tmp_path)
    assert history.measures["loss"] == {0: 0, 10: 10, 20: 7}
    assert history.scores == {(0, "a"): {20: 1}}


def test_json_without_a_header(tmp_path: Path) -> None:
    """The output of `--json`, with warnings in between and a last line that was cut off."""
    text = (
        "warning[no-gpu]: the solver asks for a GPU\n"
        '{"event": "progress", "iteration": 0, "loss": 2.5, "rate": 0.1, '
        '"images_per_second": null, "gradient_norm": 3.0, "outputs": {"p": [1, 2]}}\n'
        '{"event": "test", "iteration": 0, "net": 1, "scores": {"x": [0.5]}, '
        '"loss_weights": {"x": 1}}\n'
        '{"event": "snapshot", "weights": "a", "state": "b"}\n'
        '{"event": "progress", "iteration": 10, "loss": null, "rate": 0.1}\n'
        '{"event": "progress", "itera'
    )
    history = history_of(text, tmp_path, "run.jsonl")
    assert history.measures["rate"] == {0: 0.1, 10: 0.1}
    assert history.measures["gradient-norm"] == {0: 3}
    assert "speed" not in history.measures
    assert history.measures["loss"][10] != history.measures["loss"][10]
    assert history.outputs == {"p[0]": {0: 1}, "p[1]": {0: 2}}
    assert history.scores == {(1, "x"): {0: 0.5}}
    assert history.is_loss("x")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "not-a-log"),
        (b"base_lr: 0.1 # Iteration\n", "not-a-log"),
        (b"\0\xff\n" * 9, "not-a-log"),
        (b'{"a": 1}\n{\n[1]\n{"event": {}}\n', "not-a-log"),
        (b"[" * 100_000, "not-a-log"),
        (b'{"event":' * 100_000, "not-a-log"),
        (b"Iteration 5, Testing net (#0)\n", "empty-log"),
        (b'{"event": "start", "iteration": 0}\n', "empty-log"),
    ],
    ids=range(8),
)
def test_what_is_no_log(content: bytes, rule: str, tmp_path: Path) -> None:
    """It is said; so is that a log tells nothing."""
    path = tmp_path / "what.log"
    path.write_bytes(content)
    with pytest.raises(NetdefError) as caught:
        read_history(path)
    assert [d.rule for d in caught.value.diagnostics] == [rule]
    assert "what.log" in str(caught.value)


def test_a_folder_stands_for_its_log(tmp_path: Path) -> None:
    """The run is called after the folder; a folder without a log is a missing file."""
    (tmp_path / "first").mkdir()
    with pytest.raises(NetdefError, match="missing-file"):
        read_history(tmp_path / "first")
    (tmp_path / "first" / "log.jsonl").write_text("Iteration 5, loss = 1\n")
    assert read_history(tmp_path / "first").name == "first"
    assert read_history(tmp_path / "first" / "log.jsonl").name == "first"
