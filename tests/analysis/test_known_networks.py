"""Totals of well-known networks: learnable parameters, and multiply-accumulates per image.

Parameters are those of the papers or of the reference's own files, to the last one. MACs are held
twice: to a count of window positions, exactly, and to the figure that was published, to its last
digit. The published files are other people's and lie beside the checkout, in ../shared.
"""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

import netdef
from netdef.analysis import summarize
from netdef.ir import Layer, Net, Shape

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "conformance"

IMAGE = {"data": (1, 3, 224, 224), "label": (1,)}
LARGE = {"data": (1, 3, 227, 227), "label": (1,)}
TINY = {"data": (1, 3, 32, 32), "label": (1,)}
PLAIN = {"data": (1, 1, 28, 28)}
DIGIT = {"data": (1, 1, 28, 28), "label": (1,)}
PAIR = {"pair_data": (1, 2, 28, 28), "sim": (1,)}


class Known(NamedTuple):
    """A network and its published totals.

    Attributes:
        path: Its file, from the checkout or from the shared files.
        learnable: Learnable parameters.
        gmacs: Multiply-accumulates per image in units of 10^9, as published; "" where nobody did.
        phase: The phase it is meant for.
        shapes: Shapes of inputs that the file leaves to a data set.
        change: A text in the file, and what stands there instead.
    """

    path: str
    learnable: int
    gmacs: str = ""
    phase: str = "TEST"
    shapes: Mapping[str, Shape] = MappingProxyType({})
    change: tuple[str, str] = ("", "")


BVLC = "corpus/BVLC_caffe"
C3D = "corpus/facebook_C3D/C3D-v1.0/examples"
NETSCOPE = "corpus/dgschwend_netscope/presets"
CLASSIFIERS = "corpus/soeaver_caffe-model/cls"
CAFFENET = f"{BVLC}/models/bvlc_reference_caffenet/deploy.prototxt"

# Sources of the MACs. AlexNet, MobileNet: Howard et al., MobileNets (2017), tables 8 and 9.
# ResNet-50, VGG-16: Hu et al., Squeeze-and-Excitation Networks (2018), table 2. Deeper ResNets,
# VGG-19: He et al., Deep Residual Learning (2016). ResNeXt: Xie et al., Aggregated Residual
# Transformations (2017). DPN: Chen et al., Dual Path Networks (2017). SqueezeNet, ZynqNet,
# Inception-v3: Gschwend, ZynqNet (2016). DenseNet: torchvision's notes; pre-activation ResNet:
# timm's. YOLO: 40.2 GFLOPs of two each, as its authors' program prints. GoogLeNet: Netscope.
KNOWN = (
    Known("models/mlp/deploy.prototxt", 266_610),
    Known("models/lenet/deploy.prototxt", 431_080),
    Known("models/lenet/train_val.prototxt", 431_080, phase="TRAIN", shapes=DIGIT),
    Known("models/autoencoder/deploy.prototxt", 2_837_314),
    Known("nets/lenet.prototxt", 431_080),
    Known("nets/cifar10_full.prototxt", 89_578),
    Known("nets/mnist_siamese.prototxt", 431_102),
    Known("nets/alexnet.prototxt", 60_965_224, "0.72"),
    Known("nets/caffenet_full_conv.prototxt", 60_965_224),
    Known("nets/googlenet.prototxt", 6_998_552, "1.58"),
    Known("nets/resnet50.prototxt", 25_557_096, "3.86"),
    Known("nets/squeezenet_v1.1.prototxt", 1_235_496, "0.39"),
    Known("nets/mobilenet.prototxt", 4_231_976, "0.569"),
    Known(f"{BVLC}/examples/mnist/lenet.prototxt", 431_080),
    Known(f"{BVLC}/examples/mnist/mnist_autoencoder.prototxt", 2_837_314, "", "TRAIN", PLAIN),
    Known(f"{BVLC}/examples/siamese/mnist_siamese_train_test.prototxt", 431_102, "", "TRAIN", PAIR),
    Known(f"{BVLC}/examples/cifar10/cifar10_full.prototxt", 89_578),
    Known(f"{BVLC}/examples/cifar10/cifar10_full_train_test.prototxt", 89_578, shapes=TINY),
    Known(f"{BVLC}/examples/cifar10/cifar10_full_sigmoid_train_test.prototxt", 89_578, shapes=TINY),
    Known(f"{BVLC}/models/bvlc_alexnet/deploy.prototxt", 60_965_224, "0.72"),
    Known(CAFFENET, 60_965_224, "0.72"),
    # R-CNN is CaffeNet with the 200 classes of ILSVRC13, style recognition the same with 20.
    Known(CAFFENET, 57_687_624, change=("num_output: 1000", "num_output: 200")),
    Known(f"{BVLC}/models/finetune_flickr_style/deploy.prototxt", 60_965_224 - 980 * 4097),
    Known(f"{BVLC}/models/bvlc_googlenet/train_val.prototxt", 13_378_280, "", "TRAIN", IMAGE),
    Known(f"{CLASSIFIERS}/inception/deploy_inception-v1-dsd.prototxt", 13_378_280),
    Known(f"{NETSCOPE}/googlenet.prototxt", 6_998_552, "1.60"),  # of 227 x 227
    Known(f"{C3D}/cifar10/cifar10_full.prototxt", 89_578),
    Known(f"{C3D}/cifar10/cifar10_full_test.prototxt", 89_578, shapes=TINY),
    Known(f"{C3D}/cifar10/cifar10_quick_test.prototxt", 145_578, shapes=TINY),
    Known(f"{C3D}/imagenet/alexnet_deploy.prototxt", 60_965_224, "0.72"),
    Known(f"{C3D}/imagenet/alexnet_val.prototxt", 60_965_224, "0.72", shapes=LARGE),
    Known(f"{C3D}/imagenet/imagenet_val.prototxt", 60_965_224, "0.72", shapes=LARGE),
    Known(f"{C3D}/imagenet/imagenet_full_conv.prototxt", 60_965_224),
    Known(f"{C3D}/mnist/lenet_train.prototxt", 431_080, "", "TRAIN", DIGIT),
    Known(f"{C3D}/mnist/mnist_autoencoder_train.prototxt", 2_837_314, "", "TRAIN", PLAIN),
    Known("corpus/hszhao_PSPNet/examples/mnist/lenet.prototxt", 431_080),
    Known("corpus/hszhao_PSPNet/examples/cifar10/cifar10_full.prototxt", 89_578),
    Known("corpus/forresti_SqueezeNet/SqueezeNet_v1.0/deploy.prototxt", 1_248_424, "0.86"),
    Known(
        "corpus/forresti_SqueezeNet/SqueezeNet_v1.0/train_val.prototxt",
        1_248_424,
        "0.86",
        "TRAIN",
        {"data": (1, 3, 227, 227), "label": (1, 1, 1)},
    ),
    Known(f"{NETSCOPE}/squeezenet_v11.prototxt", 1_235_496, "0.39"),
    Known(f"{NETSCOPE}/zynqnet.prototxt", 2_528_800, "0.53"),
    Known(f"{NETSCOPE}/YOLO.prototxt", 271_703_550, "20.3"),
    Known("corpus/ethereon_netscope/presets/vgg-16.prototxt", 138_357_544, "15.47"),
    Known(f"{CLASSIFIERS}/vgg/deploy_vgg16-pytorch.prototxt", 138_357_544, "15.47"),
    Known(f"{CLASSIFIERS}/vgg/deploy_vgg19-pytorch.prototxt", 143_667_240, "19.6"),
    Known(
        "corpus/KaimingHe_deep-residual-networks/prototxt/ResNet-50-deploy.prototxt",
        25_557_096,
        "3.86",
    ),
    Known(
        "corpus/KaimingHe_deep-residual-networks/prototxt/ResNet-101-deploy.prototxt",
        44_549_160,
        "7.6",
    ),
    Known(f"{CLASSIFIERS}/resnet/deploy_resnet152.prototxt", 60_192_808, "11.3"),
    # Without the 36,416 biases of the common definition: of the first convolution, and of the last
    # and the matching one of every block.
    Known(f"{CLASSIFIERS}/resnet-v2/deploy_resnet101-v2.prototxt", 44_577_896 - 36_416, "7.8"),
    Known(f"{CLASSIFIERS}/resnext/deploy_resnext50-32x4d.prototxt", 25_028_904, "4.2"),
    Known(f"{CLASSIFIERS}/resnext/deploy_resnext101-32x4d.prototxt", 44_177_704, "8.0"),
    Known(f"{CLASSIFIERS}/inception/deploy_inception-v3.prototxt", 23_834_568, "5.71"),
    Known(f"{CLASSIFIERS}/dpn/deploy_dpn92.prototxt", 37_668_392, "6.5"),
    Known("corpus/shicai_DenseNet-Caffe/DenseNet_121.prototxt", 7_978_856, "2.83"),
    Known("corpus/shicai_DenseNet-Caffe/DenseNet_169.prototxt", 14_149_480, "3.36"),
    Known("corpus/shicai_MobileNet-Caffe/mobilenet_deploy.prototxt", 4_231_976, "0.569"),
)


def load(known: Known) -> Net:
    """The net, with what the table says of it."""
    path = (ROOT if known.path.startswith("models/") else SHARED) / known.path
    if not path.exists():
        pytest.skip("the published files are not ours to carry along")
    before, after = known.change
    text = path.read_text()
    assert before in text
    return netdef.loads(text.replace(before, after), known.phase, shapes=known.shapes)


def per_layer(net: Net) -> Iterator[int]:
    """Multiply-accumulates of every layer that multiplies by a matrix or slides filters."""
    for layer in net.layers:
        if layer.type == "Convolution":
            yield sum(convolution(layer, bottom.shape) for bottom in layer.bottoms)
        elif layer.type == "InnerProduct":
            batch = layer.bottoms[0].shape[0]
            outputs, inputs = layer.params[0].shape
            yield batch * outputs * inputs


def convolution(layer: Layer, shape: Shape) -> int:
    """Positions of the window, counted one by one, times what is multiplied at each."""
    p = layer.message.convolution_param
    batch, channels, height, width = shape
    filters, seen, *kernel = layer.params[0].shape
    assert (filters, seen) == (p.num_output, channels // p.group)
    positions = 1
    for axis, extent in enumerate((height, width)):
        pad = (p.pad_h, p.pad_w)[axis] or (p.pad or [0])[min(axis, len(p.pad) - 1)]
        step = (p.stride_h, p.stride_w)[axis] or (p.stride or [1])[min(axis, len(p.stride) - 1)]
        apart = (p.dilation or [1])[min(axis, len(p.dilation) - 1)]
        count, start = 0, -pad
        while start + (kernel[axis] - 1) * apart < extent + pad:
            count, start = count + 1, start + step
        positions *= count
    return batch * positions * filters * seen * prod(kernel)


@pytest.mark.parametrize(
    "known", KNOWN, ids=lambda known: f"{known.path} {known.change[1]}".strip()
)
def test_totals(known: Known) -> None:
    """Nothing is left uncounted, the parameters are those published, and so are the MACs."""
    net = load(known)
    summary = summarize(net)
    assert summary.uncounted == ()
    assert summary.total.learnable == net.param_count() == known.learnable
    assert summary.total.macs == sum(per_layer(net))
    if known.gmacs:
        decimals = len(known.gmacs.partition(".")[2])
        assert f"{summary.per_image(summary.total.macs) / 1e9:.{decimals}f}" == known.gmacs
