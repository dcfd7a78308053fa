"""Interleaving of groups of channels."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, layer


@layer("ShuffleChannel", param="shuffle_channel_param", role="shape")
class ShuffleChannel(LayerType):
    """Interleave groups of channels, so that the next grouped convolution sees all of them.

    Bottom and top: (N, C, ...). The channels are cut into `group` (1: nothing changes) runs of
    C / group; the top has the first channel of each run, then the second of each, and so on:
    y[:, j * group + i] = x[:, i * (C / group) + j].

    Easy to get wrong: shuffling twice does not undo it; with C / group in place of `group` it does.

    Forks: From the Caffe port of ShuffleNet (Zhang et al., ShuffleNet: An Extremely Efficient
    Convolutional Neural Network for Mobile Devices, 2017).
    """

    examples = (
        Example("shuffle_channel_param { group: 2 }", [(2, 6, 3, 4)], [(2, 6, 3, 4)]),
        Example("shuffle_channel_param { group: 3 }", [(2, 6)], [(2, 6)]),
        Example("shuffle_channel_param { group: 4 }", [(1, 8, 3)], [(1, 8, 3)]),
        Example("", [(2, 3, 2, 2)], [(2, 3, 2, 2)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The bottom's shape."""
        shape, group = n.ins[0], n.p.group
        if len(shape) < 2:
            n.mismatch("bottom[0]", f"ShuffleChannel needs channels (N, C, ...), not {shape}")
        if group < 1:
            n.fault("group", "`group` must be at least 1, not 0")
        if shape[1] % group:
            n.fault("group", f"`group` {group} does not divide the {shape[1]} channels", bottom=0)
        return Signature([shape])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """A transposition of groups and channels."""
        return t.ops.ShuffleChannel(n.p.group)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Reshape, Transpose, Reshape."""
        _, channels, *rest = n.ins[0]
        groups = [0, n.p.group, channels // n.p.group, *rest]
        order = [0, 2, 1, *range(3, len(groups))]
        turned = g.op("Transpose", g.op("Reshape", ins[0], g.constant(groups)), perm=order)
        return g.op("Reshape", turned, g.constant([0, channels, *rest]))
