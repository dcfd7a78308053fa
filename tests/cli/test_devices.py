"""`netdef devices` as a user runs it."""

import json
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner

from netdef.cli import main


def run(*options: str) -> str:
    """Run it in this process and return what it prints."""
    result = CliRunner().invoke(main, ["devices", *options])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an old and a new GPU."""
    made = [("Maxwell", 5, 2, 8 << 30, 16), ("Hopper", 9, 0, 80 << 30, 132)]
    names = "name", "major", "minor", "total_memory", "multi_processor_count"
    found = [SimpleNamespace(**dict(zip(names, values, strict=True))) for values in made]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(found))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: found[index])


def test_the_cpu_is_there() -> None:
    """With its memory, its cores and what it runs."""
    cpu = json.loads(run("--json"))["devices"][0]
    assert cpu["id"] == "cpu" and cpu["name"]
    assert cpu["cores"] > 0 and cpu["memory"] > 0
    assert cpu["precisions"] == ["fp32", "bf16", "fp16"]
    assert run().startswith(f"cpu: {cpu['name']}, ")


def test_gpus(gpus: None) -> None:
    """The compute capability decides on the precisions."""
    _, old, new = json.loads(run("--json"))["devices"]
    assert (old["id"], old["capability"], old["precisions"]) == ("cuda:0", "5.2", ["fp32"])
    assert new["precisions"] == ["fp32", "tf32", "bf16", "fp16"]
    last = run().splitlines()[-1]
    assert last == (
        "cuda:1: Hopper, 132 multiprocessors, 80.0 GiB, compute capability 9.0, fp32 tf32 bf16 fp16"
    )


def test_no_gpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """And whether this torch could use one."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert run().splitlines()[-1] == f"no GPU: torch {torch.__version__} is built without CUDA"
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    assert run().splitlines()[-1] == f"no GPU: torch {torch.__version__} for CUDA 12.6, finds none"
