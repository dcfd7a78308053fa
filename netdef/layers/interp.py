"""Bilinear interpolation with aligned corners."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Problem,
    Signature,
    count,
    ignored,
    layer,
)
from netdef.ir import Shape

_FACTORS = ("shrink_factor", "zoom_factor")
_SIZES = ("height", "width")


@layer("Interp", param="interp_param", role="shape")
class Interp(LayerType):
    """Resize planes by bilinear interpolation, with the corners of both on top of each other.

    (N, C, H, W) becomes (N, C, H', W'). First `-pad_beg` rows and columns are cut off at the start
    and `-pad_end` at the end (both 0 or negative), which leaves h rows and w columns; then row i of
    the top is taken at i (h - 1) / (H' - 1), or at row 0 when H' is 1, by linear interpolation
    between the rows around it; columns likewise. The size is, the first that applies:

    - the rows and columns of a second bottom, which gets no gradient;
    - `shrink_factor` s alone: H' = floor((h - 1) / s) + 1;
    - `zoom_factor` z alone: H' = (h - 1) z + 1;
    - `height` and `width`;
    - both factors: shrunk, then zoomed.

    Easy to get wrong: `zoom_factor: 8` makes 473 rows of 60, not 480; and a factor, even of 1, wins
    over `height` and `width`.

    Chen et al., DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, 2016; Zhao et
    al., Pyramid Scene Parsing Network, 2017.

    Forks: DeepLab, PSPNet and those that came from them. Some take the size from a second bottom
    whenever there is one, and refuse other fields of size then; one does with `use_blob_size: true`
    and lets it win over them. Here both hold.
    """

    bottoms = range(1, 3)
    no_grad_bottoms = (1,)
    examples = (
        Example("interp_param { height: 9 width: 11 }", [(2, 3, 5, 7)], [(2, 3, 9, 11)]),
        Example("interp_param { height: 3 width: 1 }", [(2, 3, 5, 7)], [(2, 3, 3, 1)]),
        Example("interp_param { zoom_factor: 2 }", [(2, 3, 5, 7)], [(2, 3, 9, 13)]),
        Example(
            "interp_param { shrink_factor: 2 pad_beg: -1 pad_end: -2 }",
            [(2, 3, 8, 9)],
            [(2, 3, 3, 3)],
        ),
        Example(
            "interp_param { shrink_factor: 2 zoom_factor: 3 pad_beg: -1 }",
            [(1, 2, 6, 7)],
            [(1, 2, 7, 7)],
        ),
        Example("", [(2, 3, 5, 7), (2, 1, 4, 9)], [(2, 3, 4, 9)]),
        Example(
            "interp_param { use_blob_size: true pad_end: -2 }",
            [(2, 3, 5, 7), (2, 4, 6, 6)],
            [(2, 3, 6, 6)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        if any(len(shape) != 4 for shape in n.ins):
            axes = " and ".join(str(len(shape)) for shape in n.ins)
            n.mismatch("bottom[0]", f"Interp takes (N, C, H, W), not {axes} axes")
        with n.collect():
            _check_fields(n)
        inside = [size + n.p.pad_beg + n.p.pad_end for size in n.ins[0][2:]]
        if min(inside) < 1:
            text = f"the padding cuts {n.ins[0][2]} x {n.ins[0][3]} down to {inside[0]} x"
            n.mismatch("bottom[0]", f"{text} {inside[1]}", because=("pad_beg", "pad_end"))
        sizes, warnings = _sizes(n, inside)
        if min(sizes) < 1:
            n.mismatch("bottom[1]", "the size to take is empty", because=("use_blob_size",))
        return Signature([(*n.ins[0][:2], *sizes)], warnings=warnings)

    def cost(self, n: Instance) -> Cost:
        """Four products and three additions per value of the top."""
        return Cost(other=7 * count(n.sig.tops[0] or ()))

    def torch(self, n: Instance, t: Any) -> Any:
        p = n.p
        size = (p.height, p.width) if _by_size(n) else None
        return t.ops.Interp(p.shrink_factor, p.zoom_factor, size, crop=(-p.pad_beg, -p.pad_end))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """Slice, then Resize."""
        p, x = n.p, ins[0]
        if p.pad_beg or p.pad_end:
            ends = [size + p.pad_end for size in n.ins[0][2:]]
            x = g.op("Slice", x, g.constant([-p.pad_beg] * 2), g.constant(ends), g.constant([2, 3]))
        items = g.op("Shape", x, start=0, end=2)
        if len(ins) > 1:
            plane = g.op("Shape", ins[1], start=2, end=4)
        else:
            plane = g.constant((n.sig.tops[0] or ())[2:])
        return g.op(
            "Resize",
            x,
            None,
            None,
            g.op("Concat", items, plane, axis=0),
            mode="linear",
            coordinate_transformation_mode="align_corners",
        )


def _check_fields(n: Instance) -> None:
    p = n.p
    for field in ("pad_beg", "pad_end"):
        if getattr(p, field) > 0:
            text = f"`{field}` must be 0, or negative to cut off, not {getattr(p, field)}"
            n.fault(field, text)
    given = [field for field in (*_FACTORS, *_SIZES) if p.HasField(field)]
    for field in given:
        if getattr(p, field) < 1:
            n.fault(field, f"`{field}` must be at least 1, not {getattr(p, field)}")
    if len(n.ins) > 1:
        if given and not p.use_blob_size:
            text = f"the size comes from the second bottom, but `{given[0]}` is given, too"
            note = "`use_blob_size: true` lets the second bottom win"
            n.fault(given[0], text, note=note, because=tuple(given[1:]))
    elif p.use_blob_size:
        n.fault("use_blob_size", "`use_blob_size` needs a second bottom", "bottom-count")
    elif len(given) == 1 and given[0] in _SIZES:
        missing = _SIZES[1 - _SIZES.index(given[0])]
        n.fault(given[0], f"`{given[0]}` is given, but `{missing}` is missing")
    elif not given:
        text = "Interp needs `height` and `width`, `zoom_factor` or `shrink_factor`"
        n.fault("height", text, "missing-field")


def _by_size(n: Instance) -> bool:
    """Whether `height` and `width` decide: when both are there, and no factor by itself."""
    factors = {n.p.HasField(field) for field in _FACTORS}
    return len(factors) == 1 and all(n.p.HasField(field) for field in _SIZES)


def _sizes(n: Instance, inside: list[int]) -> tuple[Shape, list[Problem]]:
    """Return rows and columns of the top, and warnings of the fields that did not count."""
    p = n.p
    if len(n.ins) > 1:
        reason = "the second bottom wins over it"
        return n.ins[1][2:], ignored(n, *_SIZES, *_FACTORS, reason=reason)
    if _by_size(n):
        reason = "`height` and `width` win over two factors"
        return (p.height, p.width), ignored(n, *_FACTORS, reason=reason)
    sizes = tuple(((size - 1) // p.shrink_factor) * p.zoom_factor + 1 for size in inside)
    return sizes, ignored(n, *_SIZES, reason="a factor wins over it")
