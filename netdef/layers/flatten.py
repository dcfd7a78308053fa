"""Flatten."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer


@layer("Flatten", param="flatten_param", role="shape")
class Flatten(LayerType):
    """Merge the axes from `axis` (1) to `end_axis` (-1, the last), both included, into one.

    (N, C, H, W) becomes (N, C * H * W). Negative axes count from the end. With `end_axis` one
    before `axis`, nothing is merged and an axis of 1 is put in front of `axis`.
    """

    examples = (
        Example("", [(2, 3, 4, 5)], [(2, 60)]),
        Example("flatten_param { axis: 2 }", [(2, 3, 4, 5)], [(2, 3, 20)]),
        Example("flatten_param { axis: -3 end_axis: -2 }", [(2, 3, 4, 5)], [(2, 12, 5)]),
        Example("flatten_param { axis: 0 }", [(2, 3, 4)], [(24,)]),
        Example("flatten_param { axis: 0 end_axis: 1 }", [(2, 3, 4)], [(6, 4)]),
        Example("flatten_param { axis: 1 end_axis: 0 }", [(2, 3)], [(2, 1, 3)]),
        Example("", [(3, 4)], [(3, 4)]),
    )

    def signature(self, n: Instance) -> Signature:
        shape = n.ins[0]
        start, end = _range(n)
        if start > end:
            text = f"`axis` {n.p.axis} lies behind `end_axis` {n.p.end_axis}"
            n.fault("end_axis" if n.p.HasField("end_axis") else "axis", text)
        return Signature([(*shape[:start], count(shape, start, end), *shape[end:])])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        start, end = _range(n)
        if start == end:
            return t.ops.Reshape((1,), start, end)
        return t.nn.Flatten(start, end - 1)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Flatten, or Reshape when other axes are left behind the first."""
        shape = n.ins[0]
        start, end = _range(n)
        if start == 1 and end == len(shape):
            return g.op("Flatten", ins[0], axis=1)
        if start == 0:
            return g.op("Reshape", ins[0], g.constant([-1, *shape[end:]]))
        dims = [0, *shape[1:start], count(shape, start, end), *shape[end:]]
        return g.op("Reshape", ins[0], g.constant(dims))


def _range(n: Instance) -> tuple[int, int]:
    """Return the first axis to merge and the one past the last."""
    rank = len(n.ins[0])
    with n.collect():
        start, end = n.axis("axis", rank), n.axis("end_axis", rank)
    return start, end + 1
