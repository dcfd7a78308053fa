"""Enlarging planes: by the mask of a pooling, or by repeating values."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Fixed,
    Instance,
    LayerType,
    Problem,
    Signature,
    ignored,
    layer,
)
from netdef.ir import Shape

_MASK_ONLY = ("upsample_h", "upsample_w", "pad_out_h", "pad_out_w")


@layer("Upsample", param="upsample_param", role="shape")
class Upsample(LayerType):
    """Enlarge planes: put values back to where a MAX pooling found them, or repeat them.

    With two bottoms, the values (N, C, H, W) and a mask of the same shape, the second top of a MAX
    Pooling: the top (N, C, H', W') is 0 but for the values, each at the index that the mask gives
    inside its H' x W' plane. H' and W' are `upsample_h` and `upsample_w`; or else H and W times
    `scale_h` and `scale_w`, or times `scale` (2), less one with `pad_out_h` and `pad_out_w`, which
    are for a factor of 2 and planes of odd size. The mask gets no gradient.

    With one bottom, (..., H, W) of three or four axes: every value is repeated `scale_h` times
    along rows and `scale_w` times along columns, or `scale` times (1) along both.

    Easy to get wrong:

    - `scale` is 2 unless it is given in the first form, but 1 in the second.
    - The top must have the size of the input of the pooling, or the indices mean other places. An
      index outside of the plane is an error on a CPU; on a GPU its value becomes NaN.
    - Values are assigned, not added: where two have one index (pooling windows that overlap), the
      last wins. All of them get the gradient of that place. In ONNX it is not said which wins.

    Badrinarayanan et al., SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image
    Segmentation, 2015; Redmon and Farhadi, YOLOv3: An Incremental Improvement, 2018.

    Forks: The form with a mask is SegNet's and ENet's, that with one bottom is that of the forks
    for YOLOv3 and feature pyramids. The number of bottoms tells them apart.
    """

    bottoms = range(1, 3)
    no_grad_bottoms = (1,)
    examples = (
        Example("", [(2, 3, 2, 2), Fixed(2, 3, 2, 2, given=(0, 3, 9, 14))], [(2, 3, 4, 4)]),
        Example(
            "upsample_param { scale: 2 pad_out_h: true pad_out_w: true }",
            [(1, 2, 2, 3), Fixed(1, 2, 2, 3, given=(5, 2, 4, 10, 14, 12))],
            [(1, 2, 3, 5)],
        ),
        Example(
            "upsample_param { scale_h: 3 scale_w: 2 pad_out_w: true }",
            [(2, 1, 1, 2), Fixed(2, 1, 1, 2, given=(8, 0))],
            [(2, 1, 3, 3)],
        ),
        Example(
            "upsample_param { upsample_h: 5 upsample_w: 4 }",
            [(2, 2, 2, 2), Fixed(2, 2, 2, 2, given=(1, 2, 19, 16))],
            [(2, 2, 5, 4)],
        ),
        Example("", [(2, 3, 4, 5)], [(2, 3, 4, 5)]),
        Example("upsample_param { scale: 2 }", [(2, 3, 4, 5)], [(2, 3, 8, 10)]),
        Example("upsample_param { scale_h: 1 scale_w: 3 }", [(2, 3, 4)], [(2, 3, 12)]),
    )

    def signature(self, n: Instance) -> Signature:
        return _by_mask(n) if len(n.ins) > 1 else _repeated(n)

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        if len(n.ins) == 1:
            return t.ops.Upsample(*_factors(n, 1))
        if n.p.HasField("upsample_h"):
            return t.ops.Unpooling(size=(n.p.upsample_h, n.p.upsample_w))
        return t.ops.Unpooling(_factors(n, 2), odd=(n.p.pad_out_h, n.p.pad_out_w))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """ScatterElements into zeros, or Resize."""
        if len(ins) == 1:
            scales = [1.0] * (len(n.ins[0]) - 2) + [float(f) for f in _factors(n, 1)]
            return g.op(
                "Resize",
                ins[0],
                None,
                g.constant(scales),
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        height, width = tuple(n.sig.tops[0] or ())[2:]
        values, mask = (g.op("Reshape", x, g.constant([0, 0, -1])) for x in ins)
        items = g.op("Shape", ins[0], start=0, end=2)
        planes = g.op("Concat", items, g.constant([height * width]), axis=0)
        zeros = g.op("Expand", g.constant(0.0), planes)
        index = g.op("Cast", mask, to=_INT64)
        top = g.op("ScatterElements", zeros, index, values, axis=2)
        return g.op("Reshape", top, g.constant([0, 0, height, width]))


def _by_mask(n: Instance) -> Signature:
    values, mask = n.ins
    if len(values) != 4:
        n.mismatch("bottom[0]", f"with a mask, Upsample takes (N, C, H, W), not {len(values)} axes")
    if mask != values:
        text = f"the mask has the shape {mask}, but there are values of the shape {values}"
        n.mismatch("bottom[1]", text, note="it is the second top of the Pooling to be undone")
    p, warnings = n.p, list[Problem]()
    if p.HasField("upsample_h") or p.HasField("upsample_w"):
        sizes = _pair(n, "upsample_h", "upsample_w", 2)
        fields = ("scale", "scale_h", "scale_w", "pad_out_h", "pad_out_w")
        warnings = ignored(n, *fields, reason="`upsample_h` and `upsample_w` win over it")
    else:
        factors = _factors(n, 2)
        with n.collect():
            for field, factor in zip(("pad_out_h", "pad_out_w"), factors, strict=True):
                if getattr(p, field) and factor != 2:
                    text = f"`{field}` is for a factor of 2, not of {factor}"
                    n.fault(field, text, because=("scale", "scale_h", "scale_w"))
        sizes = values[2] * factors[0] - p.pad_out_h, values[3] * factors[1] - p.pad_out_w
    return Signature([(*values[:2], *sizes)], warnings=warnings)


def _repeated(n: Instance) -> Signature:
    (shape,) = n.ins
    if len(shape) not in (3, 4):
        text = f"Upsample takes (N, C, H, W) or (N, H, W), not {len(shape)} axes"
        n.mismatch("bottom[0]", text)
    with n.collect():
        for field in _MASK_ONLY:
            if n.p.HasField(field):
                text = f"`{field}` is for the form with a pooling mask as the second bottom"
                n.fault(field, text, note="with one bottom, give `scale`")
        factors = _factors(n, 1)
    return Signature([(*shape[:-2], shape[-2] * factors[0], shape[-1] * factors[1])])


def _factors(n: Instance, least: int) -> Shape:
    """Return the factors on rows and columns.

    Args:
        n: The layer.
        least: The least factor that the form knows; also what it takes when nothing is said.
    """
    p = n.p
    if p.HasField("scale_h") or p.HasField("scale_w"):
        if p.HasField("scale"):
            text = "give `scale`, or `scale_h` and `scale_w`, not both"
            n.fault("scale", text, because=("scale_h", "scale_w"))
        return _pair(n, "scale_h", "scale_w", least)
    factor = p.scale if p.HasField("scale") else least
    if factor < least:
        n.fault("scale", f"`scale` must be at least {least} here, not {factor}")
    return factor, factor


def _pair(n: Instance, height: str, width: str, least: int) -> Shape:
    for field, other in ((height, width), (width, height)):
        if not n.p.HasField(field):
            n.fault(other, f"`{other}` is given, but `{field}` is missing")
        elif getattr(n.p, field) < least:
            text = f"`{field}` must be at least {least}, not {getattr(n.p, field)}"
            n.fault(field, text)
    return getattr(n.p, height), getattr(n.p, width)


_INT64 = 7
"""TensorProto.INT64."""
