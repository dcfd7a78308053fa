"""Input."""

from netdef.contract import Example, Instance, Signature, SourceType, at_least, layer


@layer("Input", param="input_param", role="source")
class Input(SourceType):
    """An input of the net, fed by whoever runs it.

    `shape` is given once for all tops or once per top. To train, give `netdef.Solver` a `feed`:
    arrays, batches, or a function that makes them.
    """

    tops = at_least(1)
    examples = (
        Example("input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } }", outs=[(1, 3, 8, 8)]),
    )

    def signature(self, n: Instance) -> Signature:
        """Every top has the shape that is written."""
        shapes = [tuple(shape.dim) for shape in n.p.shape]
        if not shapes:
            return Signature([None] * len(n.tops))
        if len(shapes) not in (1, len(n.tops)):
            n.fault(
                "shape", f"{len(shapes)} shapes for {len(n.tops)} tops; give one, or one per top"
            )
        for i, shape in enumerate(shapes):
            for j, size in enumerate(shape):
                if size < 0:
                    n.fault(f"shape[{i}].dim[{j}]", f"a size cannot be negative, as {size} is")
        return Signature(shapes if len(shapes) == len(n.tops) else shapes * len(n.tops))
