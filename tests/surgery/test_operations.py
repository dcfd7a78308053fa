"""Operations on a net's text and weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

import netdef
from netdef.surgery import (
    Draft,
    cut,
    fully_convolutional,
    graft,
    open_draft,
    rename,
    replace,
)

MODELS = Path(__file__).parents[2] / "models"
NET = """
# A net with comments.
name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 6, 5] } } }
# Filters.
layer {
  name: "conv"  # the first
  type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 }
}
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
# Side branch.
layer { name: "side" type: "AbsVal" bottom: "conv" top: "side" }
# Classes.
layer {
  name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
  inner_product_param { num_output: 7 bias_term: true }
}
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


def opened(tmp_path: Path, text: str = NET, name: str = "net") -> Draft:
    """A draft of a text, with weights drawn from a fixed seed."""
    path = tmp_path / f"{name}.prototxt"
    path.write_text(text)
    exe = netdef.compile(netdef.load(path), device="cpu")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensors in exe.params.values():
            for tensor in tensors:
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
    weights = tmp_path / f"{name}.caffemodel"
    exe.save_weights(weights)
    return open_draft(path, weights)


def run(draft: Draft, folder: Path, feed: dict, blobs: list[str], **state) -> dict:
    """What a draft computes, by way of its files."""
    net, weights = draft.save(folder / "done", "done", ".caffemodel")
    exe = netdef.compile(netdef.load(net, **state), weights, device="cpu")
    return exe.run(feed, blobs)


def test_rename(tmp_path: Path) -> None:
    """Layer, blob and weights; comments and everything else stay."""
    draft = opened(tmp_path)
    done = rename(draft, "conv", "first")
    assert draft.text.replace('"conv"', '"first"') == done.text
    assert "# the first" in done.text
    assert list(done.weights["first"][0].shape) == [4, 3, 3, 3]
    assert "conv" in draft.weights and "conv" not in done.weights
    feed = {"data": np.random.default_rng(0).random((2, 3, 6, 5))}
    before = run(draft, tmp_path, feed, ["prob"])["prob"]
    assert torch.equal(run(done, tmp_path, feed, ["prob"])["prob"], before)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("cnov", "x", "no-such-layer"),
        ("conv", "fc", "cannot-operate"),
        ("fc", "", "cannot-operate"),
    ],
)
def test_rename_faults(tmp_path: Path, old: str, new: str, rule: str) -> None:
    """An unknown name has its near ones, a name that is taken is refused."""
    with pytest.raises(netdef.NetdefError) as caught:
        rename(opened(tmp_path), old, new)
    (fault,) = caught.value.diagnostics
    assert fault.rule == rule
    assert fault.rule != "no-such-layer" or fault.note == "did you mean `conv`?"


def test_a_name_with_quotes(tmp_path: Path) -> None:
    """It is escaped in the text."""
    done = rename(opened(tmp_path), "conv", 'a "b" \\ c')
    assert 'a "b" \\ c' in done.net().params


def test_cut(tmp_path: Path) -> None:
    """What the blob needs stays, in-place layers too; what goes takes its comments along."""
    done = cut(opened(tmp_path), "conv")
    assert [layer.name for layer in done.net().layers] == ["data", "conv", "relu"]
    assert "# Filters." in done.text and "# A net with comments." in done.text
    assert "# Classes." not in done.text and "# Side branch." not in done.text
    assert {name for name, blobs in done.weights.items() if len(blobs)} == {"conv"}
    with pytest.raises(netdef.NetdefError, match="no blob `pol`"):
        cut(done, "pol")


def test_cut_in_both_phases() -> None:
    """Data layers of both phases stay; a blob of one phase keeps that phase's layers."""
    draft = open_draft(MODELS / "lenet" / "train_val.prototxt", shapes={"data": (1, 1, 28, 28)})
    assert cut(draft, "pool1").text.count('type: "Data"') == 2
    done = cut(draft, "accuracy").text
    assert 'name: "accuracy"' in done and 'name: "loss"' not in done


def test_replace(tmp_path: Path) -> None:
    """The new layers stand in the old one's place, with their comments."""
    draft = opened(tmp_path)
    done = replace(
        draft, "relu", '# Smooth.\nlayer { name: "elu" type: "ELU" bottom: "conv" top: "conv" }'
    )
    assert [layer.type for layer in done.net().layers][2] == "ELU"
    assert "# Smooth." in done.text and "# Side branch." in done.text
    assert done.weights.keys() == draft.weights.keys()
    wider = 'layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"'
    wider += " inner_product_param { num_output: %d } }"
    assert "fc" in replace(draft, "fc", wider % 7).weights
    assert "fc" not in replace(draft, "fc", wider % 8).weights


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rleu", "", "this net has no layer `rleu`"),
        ("relu", 'name: "nothing"', "holds no layer"),
        ("relu", "layer {", "<replacement>"),
        ("relu", 'layer { nmae: "x" }', "did you mean `name`?"),
    ],
)
def test_replace_faults(tmp_path: Path, name: str, text: str, message: str) -> None:
    """They say what is wrong, in the new text at its place."""
    with pytest.raises(netdef.NetdefError) as caught:
        replace(opened(tmp_path), name, text)
    assert message in str(caught.value)


HEAD = """
layer { name: "in" type: "Input" top: "in" input_param { shape { dim: [2, 4, 4, 3] } } }
# A second head.
layer { name: "clip" type: "ReLU" bottom: "in" top: "in" }
layer {
  name: "head" type: "InnerProduct" bottom: "in" top: "head"
  inner_product_param { num_output: 3 }
}
"""


def test_graft(tmp_path: Path) -> None:
    """The other net reads the blob; each computes what it did alone."""
    draft, other = opened(tmp_path), opened(tmp_path, HEAD, "head")
    done = graft(draft, other, "conv")
    assert "# A second head." in done.text
    assert done.net().outputs == ["head", "prob", "side"]
    feed = {"data": np.random.default_rng(0).random((2, 3, 6, 5))}
    both = run(done, tmp_path, feed, ["conv", "prob", "head"])
    alone = run(draft, tmp_path, feed, ["conv", "prob"])
    assert torch.equal(both["prob"], alone["prob"])
    assert torch.equal(run(other, tmp_path, {"in": alone["conv"]}, ["head"])["head"], both["head"])


def test_graft_faults(tmp_path: Path) -> None:
    """Names that both have; a blob that there is not; a net with two inputs."""
    draft, other = opened(tmp_path), opened(tmp_path, HEAD, "head")
    with pytest.raises(netdef.NetdefError, match="both nets use the names"):
        graft(draft, rename(other, "head", "fc"), "conv")
    with pytest.raises(netdef.NetdefError, match="no blob `cnv`"):
        graft(draft, other, "cnv")
    two = opened(
        tmp_path,
        HEAD + 'layer { name: "b" type: "Input" top: "b" input_param { shape { dim: 1 } } }',
        "two",
    )
    with pytest.raises(netdef.NetdefError, match="has one input, but this one has 2"):
        graft(draft, two, "conv")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("plain", "num_output: 7"),
        ("no bias", "num_output: 7 bias_term: false"),
        ("axis from the end", "axis: -3 num_output: 7"),
        ("transposed", "num_output: 7 transpose: true"),
        ("over lines", "\n  # why seven\n  num_output: 7  # classes\n  axis: 1\n"),
    ],
)
def test_fully_convolutional(tmp_path: Path, name: str, fields: str) -> None:
    """The same numbers at the same size; at a larger one each place has its own answer."""
    text = NET.replace("num_output: 7 bias_term: true", fields)
    draft = opened(tmp_path, text)
    done = fully_convolutional(draft)
    assert "InnerProduct" not in done.text
    assert "kernel_h: 4 kernel_w: 3" in done.text.replace("\n    ", " ").replace("  # classes", "")
    assert text.count("#") == done.text.count("#")
    images = np.random.default_rng(0).standard_normal((2, 3, 8, 6)).astype("f4")
    many = run(done, tmp_path, {"data": images}, ["prob"])["prob"]
    assert many.shape == (2, 7, 3, 2)
    for row in range(3):
        for column in range(2):
            part = images[:, :, row : row + 6, column : column + 5]
            one = run(draft, tmp_path, {"data": part}, ["prob"])["prob"]
            torch.testing.assert_close(many[:, :, row, column], one, rtol=1e-5, atol=1e-6)


def test_behind_a_flatten(tmp_path: Path) -> None:
    """A Flatten that only such layers read goes; layers on top of each other get kernels of 1."""
    text = NET.replace('bottom: "conv" top: "fc"', 'bottom: "flat" top: "fc"').replace(
        "# Classes.", 'layer { name: "flat" type: "Flatten" bottom: "conv" top: "flat" }'
    )
    text = text.replace('bottom: "fc" top: "prob"', 'bottom: "fc8" top: "prob"')
    text += """layer { name: "act" type: "ReLU" bottom: "fc" top: "fc" }
layer {
  name: "fc8" type: "InnerProduct" bottom: "fc" top: "fc8" inner_product_param { num_output: 5 }
}
"""
    softmax = 'layer { name: "prob" type: "Softmax" bottom: "fc8" top: "prob" }\n'
    draft = opened(tmp_path, text.replace(softmax, "") + softmax)
    done = fully_convolutional(draft)
    assert "Flatten" not in done.text and "num_output: 5 kernel_size: 1" in done.text
    feed = {"data": np.random.default_rng(0).random((2, 3, 6, 5))}
    torch.testing.assert_close(
        run(done, tmp_path, feed, ["prob"])["prob"][:, :, 0, 0],
        run(draft, tmp_path, feed, ["prob"])["prob"],
    )


def test_nothing_to_convert(tmp_path: Path) -> None:
    """It is said which layers could be."""
    with pytest.raises(netdef.NetdefError) as caught:
        fully_convolutional(cut(opened(tmp_path), "conv"))
    assert caught.value.diagnostics[0].rule == "cannot-operate"


def test_what_cannot_take_a_map(tmp_path: Path) -> None:
    """A layer behind that no longer fits is a fault at its place, not a wrong net."""
    text = NET.replace("softmax", "softmax") + (
        'layer { name: "again" type: "Reshape" bottom: "fc" top: "again"'
        " reshape_param { shape { dim: [2, 7] } } }\n"
        'layer { name: "sum" type: "Eltwise" bottom: "again" bottom: "fc" top: "sum" }\n'
    )
    with pytest.raises(netdef.NetdefError) as caught:
        fully_convolutional(opened(tmp_path, text))
    assert caught.value.diagnostics[0].span is not None


def test_an_old_format(tmp_path: Path) -> None:
    """V1 is upgraded first, and its comments stay."""
    text = """
# Old.
input: "data" input_dim: 1 input_dim: 3 input_dim: 6 input_dim: 6
layers {
  name: "fc" type: INNER_PRODUCT bottom: "data" top: "fc" inner_product_param { num_output: 2 }
}
"""
    done = fully_convolutional(rename(opened(tmp_path, text), "fc", "last"))
    assert "# Old." in done.text and "kernel_size: 6" in done.text
    assert done.net().blobs["last"].shape == (1, 2, 1, 1)


def test_values_through_a_program(tmp_path: Path) -> None:
    """Single values are changed in `exe.params`, as in `net.params` of pycaffe."""
    draft = opened(tmp_path)
    net, weights = draft.save(tmp_path / "done", "done", ".safetensors")
    exe = netdef.compile(netdef.load(net), weights, device="cpu")
    with torch.no_grad():
        exe.params["conv"][1][...] = 3
    exe.save_weights(tmp_path / "after.caffemodel")
    after = open_draft(net, tmp_path / "after.caffemodel").weights
    np.testing.assert_array_equal(after["conv"][1], np.full(4, 3, "f4"))
    np.testing.assert_array_equal(after["conv"][0], draft.weights["conv"][0])
