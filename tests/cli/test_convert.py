"""`netdef convert` and `netdef weights`."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from netdef.cli import main
from netdef.schema import pb
from netdef.weights import read_weights, write_weights

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 4] } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
        inner_product_param { num_output: 3 } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 2 bias_term: false } }
"""
VALUES = {
    "ip1": [np.arange(12, dtype=np.float32).reshape(3, 4), np.float32([0.5, 0, -1])],
    "ip2": [np.full((2, 3), 1 / 3, np.float32)],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with weights of two layers, and their net."""
    monkeypatch.chdir(tmp_path)
    write_weights("x.caffemodel", VALUES)
    (tmp_path / "net.prototxt").write_text(NET)
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    """Run a command in this process and return what it prints, faults too."""
    result = CliRunner().invoke(main, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.h5", ".safetensors", ".npz"])
@pytest.mark.parametrize("back", [".caffemodel", ".h5", ".safetensors", ".npz"])
def test_there_and_back(suffix: str, back: str) -> None:
    text = run("convert", "x.caffemodel", "-o", f"y{suffix}")
    assert f"y{suffix}: 2 layers with 3 blobs, 21 values as fp32" in text
    run("convert", f"y{suffix}", "-o", f"z{back}")
    assert "all blobs are equal" in run("weights", "x.caffemodel", "--diff", f"z{back}")


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".safetensors", "fp16"), (".safetensors", "bf16"), (".h5", "fp16"), (".npz", "fp16")],
)
def test_dtypes(suffix: str, dtype: str) -> None:
    run("convert", "x.caffemodel", "-o", f"y{suffix}", "--dtype", dtype)
    weights = read_weights(f"y{suffix}")
    assert weights.layer("ip2").dtypes == (dtype,)
    expected = {"fp16": np.float32(np.float16(1 / 3)), "bf16": np.float32(0.333984375)}[dtype]
    assert weights["ip2"][0][0, 0] == expected
    table = run("weights", f"y{suffix}").splitlines()
    assert all(dtype in line for line in table[1:-1])
    assert "6 values, up to" in run("weights", f"y{suffix}", "--diff", "x.caffemodel", code=1)


def test_half_in_a_caffemodel() -> None:
    text = run("convert", "x.caffemodel", "-o", "y.caffemodel", "--dtype", "fp16", code=1)
    assert "error[unsupported-dtype]" in text
    assert "NVIDIA" in text
    assert not Path("y.caffemodel").exists()
    run("convert", "x.caffemodel", "-o", "y.caffemodel", "--dtype", "fp16", "--nvidia-fp16")
    assert read_weights("y.caffemodel").layer("ip1").dtypes == ("fp16", "fp16")
    run("convert", "x.caffemodel", "-o", "y.caffemodel", "--nvidia-fp16", code=2)


def test_bf16_where_there_is_none() -> None:
    for name in ("y.npz", "y.h5", "y.caffemodel"):
        text = run("convert", "x.caffemodel", "-o", name, "--dtype", "bf16", code=1)
        assert f"{name} cannot hold bf16" in text


def test_values_too_large_for_a_type() -> None:
    write_weights("large.npz", {"a": [np.float32([1, -65520, np.inf])]})
    text = run("convert", "large.npz", "-o", "y.npz", "--dtype", "fp16", code=1)
    assert "blob 0 of layer `a` holds 65520, which is too large for fp16" in text
    run("convert", "large.npz", "-o", "y.safetensors", "--dtype", "bf16")


def test_renaming() -> None:
    Path("names.txt").write_text("# ours = theirs\n\nip2 = scores\n")
    arguments = ("--map", "ip*=fc_*", "--map", "names.txt")
    text = run("convert", "x.caffemodel", "-o", "y.caffemodel", *arguments)
    assert "renamed: ip1 -> fc_1, ip2 -> scores" in text
    assert list(read_weights("y.caffemodel")) == ["fc_1", "scores"]
    parsed = pb.NetParameter.FromString(Path("y.caffemodel").read_bytes())
    assert [layer.name for layer in parsed.layer] == ["fc_1", "scores"]
    run("convert", "x.caffemodel", "-o", "y.caffemodel", "--map", "ip1=ip2", "--map", "ip2=ip1")
    assert list(read_weights("y.caffemodel")) == ["ip2", "ip1"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("ip=x", "`ip`, but no layer is called so"),
        ("conv*=x*", "`conv*`, but no layer is called so"),
        ("ip1=ip2", "gives 2 layers with weights the name `ip2`"),
        ("ip*=x", "is no renaming"),
        ("=x", "is no renaming"),
        ("no.txt", "cannot read no.txt"),
        ("bad.txt", "bad.txt:2: `ip1` is no renaming"),
    ],
)
def test_renamings_that_are_not_possible(given: str, message: str) -> None:
    Path("bad.txt").write_text("ip1=a\nip1\n")
    assert message in run("convert", "x.caffemodel", "-o", "y.npz", "--map", given, code=1)
    assert not Path("y.npz").exists()


def test_old_types_become_current_ones() -> None:
    net = pb.NetParameter()
    layer = net.layers.add(name="ip1", type=pb.V1LayerParameter.INNER_PRODUCT)
    layer.blobs.add(num=1, channels=1, height=3, width=4, data=range(12))
    net.layers.add().layer.name = "ip2"
    net.layers[1].layer.type = "innerproduct"
    Path("old.caffemodel").write_bytes(net.SerializeToString())
    run("convert", "old.caffemodel", "-o", "new.caffemodel")
    parsed = pb.NetParameter.FromString(Path("new.caffemodel").read_bytes())
    assert [layer.type for layer in parsed.layer] == ["InnerProduct"] * 2
    assert not parsed.layers


def test_in_the_form_of_a_net() -> None:
    write_weights("part.npz", {"ip2": VALUES["ip2"], "aux": [np.ones(1)]})
    text = run("convert", "part.npz", "-o", "y.caffemodel", "--model", "net.prototxt")
    assert "left out, without weights: ip1" in text
    assert "kept at the end, not in the net: aux" in text
    parsed = pb.NetParameter.FromString(Path("y.caffemodel").read_bytes())
    assert [layer.name for layer in parsed.layer] == ["data", "ip2", "aux"]
    assert parsed.layer[1].inner_product_param.num_output == 2


def test_means() -> None:
    image = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.save("mean.npy", image)
    chain = ["mean.npy", "a.binaryproto", "b.npz", "c.binaryproto", "d.npy"]
    for source, target in pairwise(chain):
        assert "a mean of the shape (2, 3, 4)" in run("convert", source, "-o", target)
    np.testing.assert_array_equal(np.load("d.npy"), image)
    with np.load("b.npz") as file:
        assert list(file) == ["mean"]
    assert "all blobs are equal" in run("weights", "a.binaryproto", "--diff", "d.npy")


def test_means_that_are_none() -> None:
    assert "suffix of a mean" in run("convert", "x.caffemodel", "-o", "y.npy", code=1)
    np.savez("two.npz", a=np.ones(1), b=np.ones(1))
    assert "holds 2 arrays, not one" in run("convert", "two.npz", "-o", "y.binaryproto", code=1)
    np.save("deep.npy", np.ones((1, 1, 1, 1, 2)))
    assert "cannot hold" in run("convert", "deep.npy", "-o", "y.binaryproto", code=1)
    np.save("objects.npy", np.array([{}]))
    assert "Python objects" in run("convert", "objects.npy", "-o", "y.binaryproto", code=1)
    raw = Path("deep.npy").read_bytes()
    for size in range(0, len(raw), 3):
        Path("cut.npy").write_bytes(raw[:size])
        run("convert", "cut.npy", "-o", "y.binaryproto", code=1)
    run("convert", "deep.npy", "-o", "y.npz", "--map", "a=b", code=2)


def test_the_table() -> None:
    bad = np.float32([np.nan, 0, 1, -3])
    write_weights("y.caffemodel", {"a": [bad, np.ones((0, 2))], "b": [np.zeros(())]})
    lines = run("weights", "y.caffemodel").splitlines()[1:]
    assert lines[-1] == "2 layers with 3 blobs, 5 values"
    row = next(line for line in lines if line.startswith("a "))
    assert "(4)" in row
    assert "-3" in row
    assert "25.0%" in row
    assert row.endswith("1 NaN or infinite")
    data = json.loads(run("weights", "x.caffemodel", "--json"))
    first = data["blobs"][0]
    assert (first["layer"], first["index"], first["shape"]) == ("ip1", 0, [3, 4])
    assert (first["minimum"], first["maximum"], first["mean"]) == (0, 11, 5.5)
    assert first["std"] == pytest.approx(np.arange(12).std())
    assert first["sparsity"] == pytest.approx(1 / 12)
    assert len(first["checksum"]) == 64


def test_differences() -> None:
    changed = {"ip1": [VALUES["ip1"][0] + 0.25, VALUES["ip1"][1]], "ip3": [np.ones(2)]}
    write_weights("y.npz", changed)
    text = run("weights", "x.caffemodel", "--diff", "y.npz", code=1)
    assert "12 values, up to 0.25" in text
    assert "only in x.caffemodel" in text
    assert "only in y.npz" in text
    assert "3 of 4 blobs differ" in text
    data = json.loads(run("weights", "x.caffemodel", "--diff", "y.npz", "--json", code=1))
    assert [blob["equal"] for blob in data["blobs"]] == [False, True, False, False]
    write_weights("z.npz", {"ip1": [np.full((3, 4), np.nan), np.ones((1, 3))]})
    text = run("weights", "x.caffemodel", "--diff", "z.npz", code=1)
    assert "NaN or infinite in one only" in text
    assert "other shape" in text


@pytest.mark.parametrize("name", ["no.caffemodel", "x.pth", "net.prototxt"])
def test_files_that_are_none(name: str) -> None:
    Path("x.pth").write_bytes(b"PK\x03\x04" + bytes(22) + b"\x0a\0\0\0" + b"x/data.pkl" + bytes(99))
    text = run("weights", name, code=1)
    assert "error[" in text
    assert name in text
