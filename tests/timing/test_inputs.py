"""Inputs made for timing."""

import torch

import netdef
from netdef.timing.inputs import make_inputs


def made(text: str, **shapes: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Return the inputs of a net whose inputs have these shapes; the net must run on them."""
    layers = [
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }"
        for name, shape in shapes.items()
    ]
    net = netdef.loads("\n".join([*layers, text]), phase="TRAIN")
    inputs = make_inputs(net)
    assert {name: tuple(value.shape) for name, value in inputs.items()} == shapes
    outputs = netdef.compile(net, device="cpu")(inputs)
    assert all(bool(torch.isfinite(value).all()) for value in outputs.values())
    return inputs


IP = """
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 3 } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }'


def test_images_are_random_and_labels_0() -> None:
    """And they are the same every time."""
    inputs = made(IP + LOSS, data=(4, 5), label=(4,))
    assert inputs["data"].std() > 0.5
    assert not inputs["label"].any()
    again = made(IP + LOSS, data=(4, 5), label=(4,))
    assert torch.equal(inputs["data"], again["data"])


def test_labels_are_found_through_layers_that_only_move_values() -> None:
    """A slice of them, reshaped."""
    cut = """
    layer { name: "cut" type: "Slice" bottom: "labels" top: "label" top: "rest" }
    layer { name: "flat" type: "Reshape" bottom: "label" top: "label"
            reshape_param { shape { dim: -1 } } }
    """
    inputs = made(IP + cut + LOSS, data=(4, 5), labels=(4, 2))
    assert not inputs["labels"].any()


def test_words_regions_and_markers() -> None:
    """Numbers of words and regions of images are 0, markers 1."""
    embed = """layer { name: "e" type: "Embed" bottom: "words" top: "e"
                       embed_param { num_output: 4 input_dim: 9 } }"""
    lstm = """layer { name: "l" type: "LSTM" bottom: "e" bottom: "cont" top: "l"
                      recurrent_param { num_output: 3 } }"""
    inputs = made(embed + lstm, words=(5, 2), cont=(5, 2))
    assert not inputs["words"].any()
    assert bool((inputs["cont"] == 1).all())
    pool = """layer { name: "pool" type: "ROIPooling" bottom: "data" bottom: "rois" top: "pool"
                      roi_pooling_param { pooled_h: 2 pooled_w: 2 } }"""
    inputs = made(pool, data=(1, 3, 8, 8), rois=(6, 5))
    assert not inputs["rois"].any()


def test_targets_are_shares() -> None:
    """What must lie between 0 and 1 does."""
    loss = (
        'layer { name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "ip" bottom: "t" top: "l" }'
    )
    targets = made(IP + loss, data=(4, 5), t=(4, 3))["t"]
    assert 0 <= float(targets.min()) <= float(targets.max()) <= 1


def test_the_size_of_images() -> None:
    """What tells it to a layer tells the truth."""
    net = netdef.loads(
        """
        layer { name: "data" type: "Input" top: "data"
                input_param { shape { dim: 1 dim: 3 dim: 64 dim: 96 } } }
        layer { name: "im_info" type: "Input" top: "im_info"
                input_param { shape { dim: 1 dim: 4 } } }
        layer { name: "scores" type: "Convolution" bottom: "data" top: "scores"
                convolution_param { num_output: 18 kernel_size: 16 stride: 16 } }
        layer { name: "boxes" type: "Convolution" bottom: "data" top: "boxes"
                convolution_param { num_output: 36 kernel_size: 16 stride: 16 } }
        layer { name: "p" type: "Proposal" bottom: "scores" bottom: "boxes" bottom: "im_info"
                top: "rois" proposal_param { ratio: [0.5, 1, 2] scale: [2, 4, 8] } }
        """
    )
    inputs = make_inputs(net)
    assert inputs["im_info"][0, :2].tolist() == [64, 96]
    netdef.compile(net, device="cpu")(inputs)
