"""BatchNormalization, LayerNormalization and their like."""

from math import prod

import numpy as np

from netdef.onnx_backend.importing.net_builder import Blob, Weight
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.shaping import reshaped
from netdef.onnx_backend.importing.unsupported import refuse


@converts("BatchNormalization")
def batch_norm(op: Operator) -> Blob:
    """BatchNorm by the stored statistics, and Scale unless it would change nothing."""
    if op.attribute("training_mode", 0) or any(map(op.used, range(1, 5))):
        refuse("it normalises by the batch's own statistics")
    scale, bias = op.weight(1, "scale"), op.weight(2, "bias")
    mean, variance = op.weight(3, "mean"), op.weight(4, "variance")
    stored = [mean, variance, Weight(np.ones(1))]
    eps = op.attribute("epsilon", 1e-5)
    x = op.layer("BatchNorm", op.bottom(), weights=stored, eps=eps)
    if np.all(scale.values == 1) and not np.any(bias.values):
        return x
    return op.layer("Scale", x, weights=[scale, bias], bias_term=True)


@converts("InstanceNormalization")
def instance_norm(op: Operator) -> Blob:
    """LayerNorm over the spatial axes, which has eps inside the root as ONNX has, and Scale."""
    scale, bias = op.weight(1, "scale"), op.weight(2, "bias")
    x = _normalized(op, op.bottom(), 2)
    if np.all(scale.values == 1) and not np.any(bias.values):
        return x
    return op.layer("Scale", x, weights=[scale, bias], bias_term=True)


@converts("GroupNormalization")
def group_norm(op: Operator) -> Blob:
    """LayerNorm of every group of channels, and Scale."""
    shape, groups = op.shape(), op.attribute("num_groups")
    rows = (shape[0], groups, prod(shape[1:]) // groups)
    x = _normalized(op, reshaped(op, op.bottom(), shape, rows, part="groups"), 2)
    x = reshaped(op, x, rows, shape, part="channels")
    scale, bias = op.known(1, "scale"), op.known(2, "bias")
    if scale.size != shape[1]:  # one per group, before opset 21
        scale, bias = (np.repeat(values, shape[1] // groups) for values in (scale, bias))
    return op.layer("Scale", x, weights=[scale, bias], bias_term=True)


@converts("LayerNormalization")
def layer_norm(op: Operator) -> Blob:
    """LayerNorm."""
    if op.used(1) or op.used(2):
        refuse("its further outputs, mean and deviation, are read")
    shape = op.shape()
    axis = op.attribute("axis", -1) % len(shape)
    weight = op.known(1, "scale")
    bias = op.known(2, "bias") if op.given(2) else np.zeros(())
    weights = [np.broadcast_to(values, shape[axis:]) for values in (weight, bias)]
    eps = op.attribute("epsilon", 1e-5)
    return op.layer("LayerNorm", op.bottom(), weights=weights, axis=axis, eps=eps)


@converts("MeanVarianceNormalization")
def mean_variance_norm(op: Operator) -> Blob:
    """MVN."""
    axes = tuple(op.attribute("axes", [0, 2, 3]))
    if len(op.shape()) != 4 or axes not in ((2, 3), (1, 2, 3)):
        refuse(f"it normalises over the axes {axes}; MVN does over (2, 3) or (1, 2, 3)")
    return op.layer("MVN", op.bottom(), across_channels=axes[0] == 1)


@converts("LRN")
def lrn(op: Operator) -> Blob:
    """LRN across channels."""
    if len(op.shape()) != 4 or op.attribute("size") % 2 == 0:
        refuse("LRN takes (N, C, H, W) and an odd number of channels")
    return op.layer(
        "LRN",
        op.bottom(),
        local_size=op.attribute("size"),
        alpha=op.attribute("alpha", 1e-4),
        beta=op.attribute("beta", 0.75),
        k=op.attribute("bias", 1.0),
    )


def _normalized(op: Operator, x: Blob, axis: int) -> Blob:
    eps = op.attribute("epsilon", 1e-5)
    return op.layer("LayerNorm", x, axis=axis, eps=eps, elementwise_affine=False)
