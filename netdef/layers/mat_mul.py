"""Products of matrices."""

from typing import Any

from netdef.contract import Cost, Example, Instance, LayerType, Signature, count, layer
from netdef.ir import Shape, show_shape


@layer("MatMul", param="matmul_param", role="dense")
class MatMul(LayerType):
    """Multiply the matrices in the last two axes of two bottoms: C = A B.

    Bottoms: A (..., M, K) and B (..., K, N), each with at least two axes. Top: (..., M, N).
    `transpose_a: true` reads A as (..., K, M), `transpose_b: true` reads B as (..., N, K). Both
    bottoms get a gradient; nothing is learned here (for that there is InnerProduct).

    The axes before the last two are aligned at their ends: their sizes must agree, or one of them
    is 1 and is repeated, as is an axis that the shorter one lacks. So every item of (N, T, D) can
    be multiplied by one matrix (D, E).

    For attention, with Q, K and V (N, heads, T, D): MatMul of Q and K with `transpose_b: true`
    gives the scores (N, heads, T, T); a Power layer scales them by 1 / sqrt(D), Softmax with
    `axis: -1` makes weights of them, and a MatMul of these and V is the result.

    Forks: Those with `transpose_a` and `transpose_b` agree with this where both bottoms have three
    axes; with equal batches, or a B of two axes, they do for more, too. Where a fork flattens all
    axes after the second into the columns, put a Flatten before. Forms whose sizes are fields of
    `matmul_param`, or that learn B, are not covered.
    """

    bottoms = 2
    examples = (
        Example("", [(2, 3, 4), (2, 4, 5)], [(2, 3, 5)]),
        Example("matmul_param { transpose_b: true }", [(2, 4, 6, 8), (2, 4, 5, 8)], [(2, 4, 6, 5)]),
        Example("matmul_param { transpose_a: true }", [(2, 4, 3), (2, 4, 5)], [(2, 3, 5)]),
        Example(
            "matmul_param { transpose_a: true transpose_b: true }",
            [(2, 4, 3), (2, 5, 4)],
            [(2, 3, 5)],
        ),
        Example("", [(2, 3, 4), (4, 5)], [(2, 3, 5)]),
        Example("", [(2, 1, 3, 4), (5, 4, 2)], [(2, 5, 3, 2)]),
        Example("", [(3, 4), (4, 5)], [(3, 5)]),
    )

    def signature(self, n: Instance) -> Signature:
        """The batch axes of both, then rows of A and columns of B."""
        for i, shape in enumerate(n.ins):
            if len(shape) < 2:
                text = (
                    f"MatMul takes matrices, but `{n.bottoms[i]}` has the shape {show_shape(shape)}"
                )
                n.mismatch(f"bottom[{i}]", text)
        (rows, inner), (inner_b, columns) = _matrices(n)
        if inner != inner_b:
            text = (
                f"a matrix of {rows} x {inner} cannot be multiplied by one of {inner_b} x {columns}"
            )
            n.mismatch("bottom[1]", text, because=("transpose_a", "transpose_b"))
        return Signature([(*_batch(n), rows, columns)])

    def cost(self, n: Instance) -> Cost:
        """K multiply-accumulates per value of the top."""
        (rows, inner), (_, columns) = _matrices(n)
        return Cost(count(_batch(n)) * rows * inner * columns)

    def torch(self, n: Instance, t: Any) -> Any:
        """Torch's matmul."""
        return t.ops.MatMul(n.p.transpose_a, n.p.transpose_b)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """MatMul, behind Transposes."""
        a, b = (
            _turned(g, value, len(shape)) if transpose else value
            for value, shape, transpose in zip(
                ins, n.ins, (n.p.transpose_a, n.p.transpose_b), strict=True
            )
        )
        return g.op("MatMul", a, b)


def _matrices(n: Instance) -> tuple[Shape, Shape]:
    """Return rows and columns of each bottom's matrices, as they are multiplied."""
    a, b = n.ins[0][-2:], n.ins[1][-2:]
    return a[::-1] if n.p.transpose_a else a, b[::-1] if n.p.transpose_b else b


def _batch(n: Instance) -> Shape:
    """Return the axes before the matrices, of both bottoms together."""
    a, b = n.ins[0][:-2], n.ins[1][:-2]
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    batch: list[int] = []
    for i, (here, there) in enumerate(pairs):
        if here != there and 1 not in (here, there):
            text = f"axis {i} of the batch is {here} in `{n.bottoms[0]}` and {there} in"
            note = "the sizes must agree, or one of them be 1"
            n.mismatch("bottom[1]", f"{text} `{n.bottoms[1]}`", note=note)
        batch.append(there if here == 1 else here)
    return tuple(batch)


def _turned(g: Any, value: Any, rank: int) -> Any:
    """Swap the last two axes."""
    return g.op("Transpose", value, perm=[*range(rank - 2), rank - 1, rank - 2])
