"""Repetition along an axis."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, layer


@layer("Tile", param="tile_param", role="shape")
class Tile(LayerType):
    """Repeat the bottom `tiles` times along `axis` (1; a negative one counts from the end).

    Bottom: x. Top: x's shape, with `axis` `tiles` times as long. Whole copies follow one another:
    a b becomes a b a b, not a a b b. The gradients of the copies are added.
    """

    examples = (
        Example("tile_param { tiles: 3 }", [(2, 3, 4, 5)], [(2, 9, 4, 5)]),
        Example("tile_param { tiles: 2 axis: 0 }", [(2, 3)], [(4, 3)]),
        Example("tile_param { tiles: 2 axis: -1 }", [(2, 3, 4)], [(2, 3, 8)]),
        Example("tile_param { tiles: 1 axis: 2 }", [(2, 3, 4)], [(2, 3, 4)]),
        Example("tile_param { tiles: 4 axis: 0 }", [(3,)], [(12,)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The axis becomes `tiles` times as long."""
        shape, tiles = n.ins[0], n.p.tiles
        with n.collect():
            if not n.p.HasField("tiles"):
                n.fault("tiles", "Tile needs `tiles`", rule="missing-field")
            elif tiles < 1:
                n.fault("tiles", f"`tiles` must be at least 1, not {tiles}")
            axis = n.axis("axis", len(shape))
        return Signature([(*shape[:axis], shape[axis] * tiles, *shape[axis + 1 :])])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's repeat."""
        return t.ops.Tile(n.axis("axis", len(n.ins[0])), n.p.tiles)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Tile."""
        copies = [1] * len(n.ins[0])
        copies[n.axis("axis", len(n.ins[0]))] = n.p.tiles
        return g.op("Tile", ins[0], g.constant(copies))
