"""Blocks of pixels become channels, in darknet's order."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, layer


@layer("Reorg", param="reorg_param", role="shape")
class Reorg(LayerType):
    """Make an image smaller by moving pixels into channels, or with `reverse` larger.

    With s = `stride`, the bottom (N, C, H, W) becomes (N, C s^2, H / s, W / s); `reverse: true`
    makes it (N, C / s^2, H s, W s). H and W must be divisible by s without `reverse`, and C by s^2
    in both directions.

    The order is darknet's. For c < C, h < H, w < W and with C' = C / s^2, k = c div C', let

        small(n, c, h, w)  be the place of (n, c, h, w) in memory, as (N, C, H, W),
        large(n, c, h, w)  the place of (n, c mod C', h s + k div s, w s + k mod s) in memory, as
                           (N, C', H s, W s).

    Then `reverse: true` moves what is at small to large: channels become blocks of s x s pixels,
    as in ONNX's DepthToSpace. Without `reverse`, what is at large moves to small, though both
    bottom and top are read in other shapes than their own.

    Easy to get wrong: without `reverse` the pixels of a block do not end up in the channels at one
    place, as in SpaceToDepth and in most rewritings; values of several channels and places are
    mixed, and weights that were trained behind it fit no other order. `reverse` does not undo it.

    Forks: From YOLOv2's ports (Redmon and Farhadi, YOLO9000: Better, Faster, Stronger, 2016: the
    passthrough layer). Their gradient is read from a blob that nothing fills; here it is the
    movement backwards. Some forks repaired the order: those nets need a Reshape and Permute.
    """

    examples = (
        Example("reorg_param { stride: 2 }", [(2, 4, 4, 6)], [(2, 16, 2, 3)]),
        Example("reorg_param { stride: 2 }", [(1, 8, 2, 2)], [(1, 32, 1, 1)]),
        Example("reorg_param { stride: 3 }", [(2, 9, 3, 6)], [(2, 81, 1, 2)]),
        Example("reorg_param { stride: 2 reverse: true }", [(2, 8, 3, 2)], [(2, 2, 6, 4)]),
        Example("reorg_param { stride: 3 reverse: true }", [(1, 18, 2, 1)], [(1, 2, 6, 3)]),
        Example("reorg_param { stride: 1 }", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
    )

    def signature(self, n: Instance) -> Signature:
        """More channels and fewer pixels, or the reverse."""
        shape, s = n.ins[0], n.p.stride
        if len(shape) != 4:
            n.mismatch("bottom[0]", f"Reorg takes (N, C, H, W), not {len(shape)} axes")
        if not n.p.HasField("stride"):
            n.fault("stride", "Reorg needs `stride`", rule="missing-field")
        if s < 1:
            n.fault("stride", "`stride` must be at least 1, not 0")
        items, channels, height, width = shape
        with n.collect():
            if channels % (s * s):
                text = f"the {channels} channels must be a multiple of `stride` squared, {s * s}"
                n.fault("stride", text, bottom=0)
            for name, size in (("rows", height), ("columns", width)):
                if size % s and not n.p.reverse:
                    text = f"the {size} {name} must be a multiple of `stride`, {s}"
                    n.fault("stride", text, bottom=0)
        if n.p.reverse:
            return Signature([(items, channels // (s * s), height * s, width * s)])
        return Signature([(items, channels * s * s, height // s, width // s)])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """Reshapings around a permutation."""
        return t.ops.Reorg(n.p.stride, reverse=n.p.reverse)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """DepthToSpace; or SpaceToDepth between two Reshapes."""
        s = n.p.stride
        if n.p.reverse:
            return g.op("DepthToSpace", ins[0], blocksize=s, mode="DCR")
        _, channels, height, width = n.ins[0]
        large = g.constant([0, channels // (s * s), height * s, width * s])
        small = g.op("SpaceToDepth", g.op("Reshape", ins[0], large), blocksize=s)
        return g.op("Reshape", small, g.constant([0, channels * s * s, height // s, width // s]))
