"""From a train_val net to the one that answers."""

import re
from pathlib import Path

import pytest
import torch

import netdef
from netdef import api
from netdef.frontend.parse import parse
from netdef.passes import pipeline
from netdef.passes.deploy import deploy
from netdef.source import NetdefError, SourceFile

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "conformance" / "corpus"

DATA = """
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TEST }
        transform_param { crop_size: 8 mean_value: 1 mean_value: 2 mean_value: 3 }
        data_param { source: "nowhere" batch_size: 5 } }
"""
FC = """
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        inner_product_param { num_output: 4 } }
"""


def made(text: str, **shapes: tuple[int, ...]) -> str:
    """Return the deploy net of a text."""
    from netdef.frontend.format import format_document

    bound = pipeline.bind_net(SourceFile("net.prototxt", text))
    done = deploy(bound, pipeline.Request(shapes=shapes))
    assert not parse(SourceFile("x", format_document(done.document, done.original)))[1]
    return format_document(done.document, done.original)


def layers(text: str) -> list[tuple[str, str, list[str], list[str]]]:
    """Return name, type, bottoms and tops of the layers of a text."""
    net = netdef.loads(text)
    return [
        (x.name, x.type, [b.name for b in x.bottoms], [b.name for b in x.tops]) for x in net.layers
    ]


def params_of(net: object) -> list[object]:
    """Return what must be equal of the parameters of a net."""
    return [
        (name, [(p.shape, p.weight, p.name, p.owner and p.owner.layer) for p in params])
        for name, params in net.params.items()  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize("model", ["lenet", "mlp", "autoencoder"])
def test_models_give_the_same_numbers(model: str, tmp_path: Path) -> None:
    """With the same weights, the net that answers computes what the test net does."""
    path = ROOT / "models" / model / "train_val.prototxt"
    shapes = {"data": (6, 1, 28, 28)}
    new = netdef.loads(api.deploy(path, shapes=shapes))
    given = shapes if model == "autoencoder" else {**shapes, "label": (6,)}
    old = netdef.load(path, shapes=given)
    assert params_of(new) == params_of(old)
    assert new.inputs == ["data"]
    assert not new.diagnostics
    trained = netdef.compile(old, device="cpu")
    trained.save_weights(tmp_path / "w.caffemodel")
    answering = netdef.compile(new, tmp_path / "w.caffemodel", device="cpu")
    x = torch.rand(shapes["data"])
    inputs = {"data": x, "label": torch.zeros(6)}
    (output,) = answering({"data": x}).values()
    last = {"lenet": "ip2", "mlp": "ip3", "autoencoder": "pixels"}[model]
    asked = [last, *old.outputs]
    expected = trained.run({k: inputs[k] for k in given}, blobs=asked)[last]
    if model != "autoencoder":
        expected = torch.softmax(expected, 1)
    assert torch.equal(output, expected)


@pytest.mark.parametrize("model", ["lenet", "mlp"])
def test_models_are_as_written_by_hand(model: str) -> None:
    """The deploy net beside the model says the same."""
    folder = ROOT / "models" / model
    text = api.deploy(folder / "train_val.prototxt", shapes={"data": (64, 1, 28, 28)})
    by_hand = (folder / "deploy.prototxt").read_text()
    assert layers(text)[1:] == layers(by_hand)[1:]


@pytest.mark.skipif(not CORPUS.exists(), reason="the published files are not ours to carry along")
@pytest.mark.parametrize(
    "name",
    ["BVLC_caffe/models/bvlc_googlenet/train_val", "forresti_SqueezeNet/SqueezeNet_v1.0/train_val"],
)
def test_published_nets_keep_their_parameters(name: str) -> None:
    """The crop tells the size, three mean values the colours; auxiliary heads stay."""
    path = CORPUS / f"{name}.prototxt"
    new = netdef.loads(api.deploy(path))
    data = new.blobs["data"].shape
    assert data is not None
    old = netdef.load(path, shapes={"data": data, "label": data[:1]})
    assert params_of(new) == params_of(old)
    assert "prob" in new.outputs
    assert not {"Dropout", "Accuracy", "SoftmaxWithLoss"} & {x.type for x in new.layers}


def test_shape_from_the_text() -> None:
    """Batch, colours and crop; --shape counts instead."""
    text = made(DATA + FC)
    assert "shape { dim: 5 dim: 3 dim: 8 dim: 8 }" in text
    assert netdef.loads(text).inputs == ["data"]
    assert "shape { dim: 1 dim: 7 }" in made(DATA + FC, data=(1, 7))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ('type: "MemoryData" memory_data_param '
         "{ batch_size: 2 channels: 1 height: 4 width: 6 }", (2, 1, 4, 6)),
        ('type: "ImageData" image_data_param '
         '{ source: "list.txt" batch_size: 2 new_height: 4 new_width: 6 }', (2, 3, 4, 6)),
        ('type: "ImageData" image_data_param '
         '{ source: "list.txt" batch_size: 2 is_color: false } '
         "transform_param { crop_size: 5 }", (2, 1, 5, 5)),
        ('type: "DummyData" dummy_data_param { shape { dim: 2 dim: 9 } }', (2, 9)),
    ],
)  # fmt: skip
def test_shapes_of_other_data(layer: str, shape: tuple[int, ...]) -> None:
    """What the text of each data layer tells."""
    text = made(f'layer {{ name: "d" top: "data" {layer} }} {FC}')
    assert netdef.loads(text).blobs["data"].shape == shape


def test_unknown_shape() -> None:
    """The fault says how to give it, as far as it is known."""
    data = DATA.replace("mean_value: 1 mean_value: 2 mean_value: 3", "")
    with pytest.raises(NetdefError) as caught:
        made(data + FC)
    (fault,) = caught.value.diagnostics
    assert fault.rule == "unknown-shape"
    assert fault.note == "give it with --shape data=5,C,8,8, with numbers for C"
    with pytest.raises(NetdefError, match="not an input of the deploy net"):
        made(DATA + FC, label=(5,))


def test_training_goes_and_sharing_stays() -> None:
    """Rules, fillers, learning rates; a param keeps its place."""
    text = made(
        DATA
        + """
force_backward: true
state { stage: "a" }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" propagate_down: true
        param { lr_mult: 1 } param { name: "b" lr_mult: 2 decay_mult: 0 }
        exclude { stage: "b" }
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } bias_term: true } }
layer { name: "s" type: "Scale" bottom: "a" top: "s" param { lr_mult: 0 }
        scale_param { filler { value: 2 } } }
layer { name: "gone" type: "InnerProduct" bottom: "data" top: "x" include { phase: TRAIN } }
"""
    )
    assert not re.search("filler|mult|propagate|include|exclude|state|backward|gone", text)
    assert re.search(r'param \{\s*\}\s*param \{ name: "b" \}', text)
    assert "scale_param" not in text
    assert "bias_term: true" in text
    assert layers(text)[-1] == ("s", "Scale", ["a"], ["s"])


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ('layer { name: "l" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "l" '
         "softmax_param { axis: -1 } loss_param { ignore_label: 1 } loss_weight: 2 }",
         [("prob", "Softmax", ["fc"], ["prob"])]),
        ('layer { name: "l" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "l" '
         'top: "scores" }',
         [("scores", "Softmax", ["fc"], ["scores"])]),
        ('layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "fc" bottom: "label" }',
         [("prob", "Sigmoid", ["fc"], ["prob"])]),
        ('layer { name: "p" type: "Softmax" bottom: "fc" top: "p" }'
         'layer { name: "l" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "l" }',
         [("p", "Softmax", ["fc"], ["p"])]),
        ('layer { name: "prob" type: "ReLU" bottom: "fc" top: "prob" }'
         'layer { name: "l" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "l" }',
         [("prob", "ReLU", ["fc"], ["prob"]), ("l_prob", "Softmax", ["fc"], ["l_prob"])]),
        ('layer { name: "l" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "l" '
         "include { phase: TRAIN } }",
         [("prob", "Softmax", ["fc"], ["prob"])]),
        ('layer { name: "flat" type: "Reshape" bottom: "label" top: "flat" '
         "reshape_param { shape { dim: -1 dim: 1 } } }"
         'layer { name: "l" type: "EuclideanLoss" bottom: "fc" bottom: "flat" top: "l" }'
         'layer { name: "n" type: "ReLU" bottom: "l" top: "n" }', []),
        ('layer { name: "q" type: "Silence" bottom: "label" }'
         'layer { name: "a" type: "Accuracy" bottom: "fc" bottom: "label" top: "a" }', []),
        ('layer { name: "q" type: "Silence" bottom: "label" bottom: "fc" }',
         [("q", "Silence", ["fc"], [])]),
    ],
)  # fmt: skip
def test_losses(losses: str, expected: list[object]) -> None:
    """They become what they apply, or go, with all that only they need."""
    text = made(DATA + FC + losses)
    assert layers(text)[2:] == expected
    assert ("axis: -1" in text) == ("axis: -1" in losses)
    assert netdef.loads(text).inputs == ["data"]


def test_several_losses() -> None:
    """The one that counts most is `prob`; one that reads the same scores needs no second layer."""
    heads = "".join(
        FC.replace('"fc"', f'"fc{i}"')
        + f'layer {{ name: "loss{i}" type: "SoftmaxWithLoss" bottom: "fc{i}" bottom: "label" '
        f'top: "loss{i}" loss_weight: {weight} }}'
        for i, weight in enumerate((0.3, 1, 0.3))
    )
    again = 'layer { name: "x" type: "SoftmaxWithLoss" bottom: "fc1" bottom: "label" top: "x" }'
    assert netdef.loads(made(DATA + heads + again)).outputs == ["loss0_prob", "loss2_prob", "prob"]


DROP = 'layer { name: "drop" type: "Dropout" bottom: "fc" top: "drop" }'


def relu(bottom: str, top: str) -> str:
    """Return a layer."""
    return f'layer {{ name: "{bottom}{top}" type: "ReLU" bottom: "{bottom}" top: "{top}" }}'


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        # In place.
        (DROP.replace('"drop" }', '"fc" }') + relu("fc", "y"), [(["fc"], ["y"])]),
        # Its reader reads what it read.
        (DROP + relu("drop", "y"), [(["fc"], ["y"])]),
        # In place behind it: that becomes in place on what it read.
        (DROP + relu("drop", "drop") + relu("drop", "y"), [(["fc"], ["fc"]), (["fc"], ["y"])]),
        # The name means another value later, so the layer stays.
        (DROP + relu("fc", "fc") + relu("drop", "y"),
         [(["fc"], ["drop"]), (["fc"], ["fc"]), (["drop"], ["y"])]),
        # What it read is needed after what is behind it works in place, so it stays.
        (DROP + relu("drop", "drop") + relu("fc", "y"),
         [(["fc"], ["drop"]), (["drop"], ["drop"]), (["fc"], ["y"])]),
        # It is an output, whose name stays.
        (DROP, [(["fc"], ["drop"])]),
        # One after the other.
        (DROP + DROP.replace('"drop"', '"drop2"').replace('"fc"', '"drop"') + relu("drop2", "y"),
         [(["fc"], ["y"])]),
        # A fork's that drops when testing.
        (DROP.replace("}", "dropout_param { sample_weights_test: true } }") + relu("drop", "y"),
         [(["fc"], ["drop"]), (["drop"], ["y"])]),
    ],
)  # fmt: skip
def test_dropout(rest: str, expected: list[object]) -> None:
    """It goes where nothing that reads it, or what it reads, gets another value."""
    text = made(DATA + FC + rest)
    assert [(bottoms, tops) for _, _, bottoms, tops in layers(text)[2:]] == expected


def test_dropped_values_are_the_same() -> None:
    """Renaming readers keeps the numbers."""
    text = DATA.replace("Data", "Input").replace("include { phase: TEST }", "")
    text = re.sub(r"transform_param.*", "input_param { shape { dim: 2 dim: 3 } } }", text)
    text = text.split("data_param")[0].replace('top: "label"', "")
    text += FC + relu("fc", "z") + DROP + relu("drop", "drop") + relu("drop", "y")
    old, new = netdef.loads(text), netdef.loads(made(text))
    a = netdef.compile(old, device="cpu")
    b = netdef.compile(new, device="cpu", share=a)
    x = torch.randn(2, 3)
    expected = a({"data": x})
    found = b({"data": x})
    assert "Dropout" not in {layer.type for layer in new.layers}
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_comments_go_with_what_they_speak_of() -> None:
    """Those of layers that stay survive; those inside, above and behind what goes do not."""
    text = made(
        """# The file.
name: "x"
layer { name: "d" type: "Data" top: "data" top: "label"
  # Reads a database.
  data_param { source: "nowhere" batch_size: 5 } }  # of images

# The scores.
layer {
  name: "fc"  # weights
  type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param {
    num_output: 4  # classes
    weight_filler { type: "xavier" }  # as Glorot says
  }
}
# How good it is.
layer { name: "a" type: "Accuracy" bottom: "fc" bottom: "label" top: "a" }
""",
        data=(1, 2),
    )
    assert re.findall("#.*", text) == ["# The file.", "# of images", "# The scores.", "# weights",
                                       "# classes"]  # fmt: skip


def test_train_only() -> None:
    """A file with data for training only is taken as it is in that phase."""
    text = made((DATA + FC).replace("TEST", "TRAIN"))
    assert layers(text)[0] == ("d", "Input", [], ["data"])


def test_deploy_of_a_deploy_net() -> None:
    """There is nothing left to do."""
    text = made(DATA + FC + DROP)
    assert made(text) == text


def test_unknown_types_stay() -> None:
    """A data layer of a type that nobody knows needs its shape given; other layers stay."""
    text = DATA.replace('"Data"', '"BoxesFromAfar"').replace("transform_param", "boxes_param")
    text += 'layer { name: "u" type: "Frobnicate" bottom: "data" top: "u" odd_param { x: 1 } }'
    with pytest.raises(NetdefError, match="--shape data="):
        made(text)
    done = made(text, data=(1, 2, 3))
    assert "odd_param { x: 1 }" in done
    assert netdef.loads(done).blobs["data"].shape == (1, 2, 3)
