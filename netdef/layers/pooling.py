"""Pooling."""

from dataclasses import replace

from netdef.contract import (
    Example,
    Instance,
    Labels,
    PoolingFields,
    PoolingType,
    Signature,
    Window,
    ignored,
    layer,
)

_FLOOR = 1
_KERNEL = ("kernel_size", "kernel_h", "kernel_w", "kernel_depth")
_STRIDE = ("stride", "stride_h", "stride_w", "temporal_stride")
_PAD = ("pad", "pad_h", "pad_w", "temporal_pad")
"""For all axes; for rows, for columns; for the first of three."""


@layer("Pooling", param="pooling_param", role="pooling")
class Pooling(PoolingType):
    """Reduce every window of a plane, a line or a volume to one value.

    (N, C, H, W) becomes (N, C, H', W') with, for rows and for columns,

        H' = ceil((H + 2 pad - kernel_size) / stride) + 1

    rounded down with `round_mode: FLOOR` or, as forks write it, `ceil_mode: false`. `kernel_size`,
    `stride` (1) and `pad` (0) hold for all axes; for rows and columns apart there are `kernel_h`
    and `kernel_w`, `stride_h` and `stride_w`, `pad_h` and `pad_w`. `global_pooling` takes the whole
    input instead of a window, without any other size. `engine` changes nothing.

    - MAX (the default): the largest value; padding does not count. A second top gets its index in
      the H x W plane. Of equal values the first wins, and gets the gradient.
    - AVE: the sum over the window's area.
    - STOCHASTIC: in TRAIN one of the values, drawn in proportion to it; in TEST the mean of the
      values weighted by themselves. For values that are not negative; without padding. Zeiler and
      Fergus, Stochastic Pooling for Regularization of Deep Convolutional Neural Networks, 2013.

    The input may also have one spatial axis, (N, C, L), or three, (N, C, D, H, W); Caffe's own
    Pooling knows only two. Everything above holds with one axis less or more; an index then counts
    through the D x H x W volume. With three axes, `kernel_depth`, `temporal_stride` and
    `temporal_pad` are the sizes along the first, in place of the common ones. Beside sizes for rows
    and columns apart, `kernel_depth` must be given, and without `temporal_stride` and
    `temporal_pad` the first axis has stride 1 and no padding.

    Easy to get wrong:

    - The size is rounded up, so that the last window may reach past the input. Only if there is
      padding (on any axis), a last window that would begin behind the input is dropped.
    - AVE divides by the area up to the end of the padding: padding counts, what lies behind does
      not.
    - With a stride larger than the window and no padding, the last window can lie wholly behind the
      input: MAX then gives -3.4e38 (index -1), AVE 0 / 0.

    Forks: `ceil_mode` comes from several; beside `round_mode` it must say the same. C3D pools
    volumes by a type of its own, Pooling3D, whose `stride` and `pad` are those of rows and columns
    only.
    """

    tops = range(1, 3)
    ranks = range(3, 6)
    layout = "(N, C, H, W), (N, C, L) or (N, C, D, H, W)"
    clips = True
    examples = (
        Example("pooling_param { kernel_size: 2 stride: 2 }", [(2, 3, 7, 9)], [(2, 3, 4, 5)]),
        Example("pooling_param { kernel_size: 3 stride: 2 }", [(2, 3, 8, 5)], [(2, 3, 4, 2)]),
        Example(
            "pooling_param { kernel_size: 3 stride: 2 pad: 2 }", [(2, 3, 7, 8)], [(2, 3, 5, 5)]
        ),
        Example(
            "pooling_param { kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1 }",
            [(1, 2, 7, 9)],
            [(1, 2, 4, 9)],
        ),
        Example(
            "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }",
            [(2, 3, 8, 5)],
            [(2, 3, 3, 2)],
        ),
        Example("pooling_param { kernel_size: 3 stride: 2 }", [(2, 3, 7, 8)], [(2, 3, 3, 4)] * 2),
        Example(
            "pooling_param { kernel_size: 3 stride: 2 pad: 1 }", [(2, 2, 6, 8)], [(2, 2, 4, 5)] * 2
        ),
        Example("pooling_param { global_pooling: true }", [(2, 3, 4, 5)], [(2, 3, 1, 1)]),
        Example("pooling_param { global_pooling: true }", [(2, 3, 4, 5)], [(2, 3, 1, 1)] * 2),
        Example(
            "pooling_param { pool: AVE kernel_size: 3 stride: 2 }", [(1, 2, 8, 5)], [(1, 2, 4, 2)]
        ),
        Example(
            "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }",
            [(2, 3, 8, 7)],
            [(2, 3, 5, 4)],
        ),
        Example(
            "pooling_param { pool: AVE kernel_size: 2 stride: 3 pad: 1 }",
            [(2, 3, 7, 9)],
            [(2, 3, 3, 4)],
        ),
        Example(
            "pooling_param { pool: AVE kernel_size: 4 stride: 3 pad: 3 }",
            [(1, 3, 8, 6)],
            [(1, 3, 4, 3)],
        ),
        Example(
            "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 ceil_mode: false }",
            [(2, 3, 8, 7)],
            [(2, 3, 4, 4)],
        ),
        Example("pooling_param { pool: AVE global_pooling: true }", [(2, 3, 4, 5)], [(2, 3, 1, 1)]),
        Example(
            "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }",
            [Labels(2, 3, 8, 7, below=9)],
            [(2, 3, 4, 3)],
        ),
        Example(
            "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
            [Labels(2, 3, 5, 6, below=9)],
            [(2, 3, 3, 3)],
            phase="TRAIN",
            random=True,
        ),
        Example("pooling_param { kernel_size: 3 stride: 2 }", [(2, 3, 8)], [(2, 3, 4)] * 2),
        Example(
            "pooling_param { pool: AVE kernel_size: 4 stride: 3 pad: 3 }", [(2, 3, 6)], [(2, 3, 3)]
        ),
        Example("pooling_param { kernel_size: 1 stride: 2 }", [(2, 3, 6)], [(2, 3, 4)]),
        Example("pooling_param { pool: AVE global_pooling: true }", [(2, 3, 7)], [(2, 3, 1)]),
        Example(
            "pooling_param { kernel_size: 3 stride: 2 pad: 1 kernel_depth: 2 temporal_pad: 0 }",
            [(2, 3, 5, 6, 8)],
            [(2, 3, 3, 4, 5)] * 2,
        ),
        Example(
            "pooling_param { kernel_size: 2 stride: 2 kernel_depth: 1 temporal_stride: 1 }",
            [(1, 2, 3, 5, 6)],
            [(1, 2, 3, 3, 3)],
        ),
        Example(
            "pooling_param { pool: AVE kernel_depth: 2 kernel_h: 3 kernel_w: 2 temporal_stride: 2"
            " stride_h: 2 stride_w: 1 temporal_pad: 1 pad_h: 1 pad_w: 0 }",
            [(2, 2, 4, 6, 5)],
            [(2, 2, 3, 4, 4)],
        ),
        Example(
            "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
            [Labels(2, 2, 3, 4, 5, below=9)],
            [(2, 2, 2, 2, 3)],
        ),
        Example("pooling_param { global_pooling: true }", [(2, 3, 2, 4, 5)], [(2, 3, 1, 1, 1)] * 2),
    )

    def signature(self, n: Instance) -> Signature:
        signature = super().signature(n)
        if len(n.ins[0]) == 5:
            return signature
        names = (_KERNEL[-1], _STRIDE[-1], _PAD[-1])
        reason = "it is for the first of three spatial axes"
        return replace(signature, warnings=ignored(n, *names, reason=reason))

    def fields(self, n: Instance) -> PoolingFields:
        return PoolingFields(_along(n, *_KERNEL), _along(n, *_STRIDE), _along(n, *_PAD))

    def floor(self, n: Instance) -> bool:
        p = n.p
        by_fork = p.HasField("ceil_mode") and not p.ceil_mode
        both = p.HasField("ceil_mode") and p.HasField("round_mode")
        if both and by_fork != (p.round_mode == _FLOOR):
            n.fault("ceil_mode", "`ceil_mode` and `round_mode` contradict each other")
        return by_fork or p.round_mode == _FLOOR

    def whole(self, n: Instance) -> bool:
        return n.p.global_pooling

    def sizes(self, n: Instance, fields: PoolingFields) -> Window:
        if not n.p.global_pooling:
            if "kernel_size" in fields.kernel and not n.p.HasField("kernel_size"):
                text = "Pooling needs `kernel_size`, `kernel_h` and `kernel_w`, or `global_pooling`"
                n.fault("kernel_size", text, rule="missing-field")
                fields = fields._replace(kernel=())
            return super().sizes(n, fields)
        for name in _KERNEL:
            if n.p.HasField(name):
                n.fault(name, "`global_pooling` takes the whole input: leave out the kernel")
        jumps = any(getattr(n.p, name) != 1 for name in fields.stride)
        if jumps or any(getattr(n.p, name) for name in fields.pad):
            text = "`global_pooling` goes with `stride: 1` and `pad: 0` only"
            n.fault("global_pooling", text, because=(*fields.stride, *fields.pad))
        ones, zeros = (1,) * len(n.ins[0][2:]), (0,) * len(n.ins[0][2:])
        return Window(n.ins[0][2:], ones, zeros, ones)


def _along(n: Instance, every: str, rows: str, columns: str, frames: str) -> tuple[str, ...]:
    """Return the name of the field that holds along each axis."""
    p, axes = n.p, len(n.ins[0]) - 2
    apart = [name for name in (rows, columns) if p.HasField(name)]
    if not apart:
        first = frames if axes == 3 and p.HasField(frames) else every
        return (first, *[every] * (axes - 1))
    if p.HasField(every):
        text = f"give `{every}` or `{rows}` and `{columns}`, not both"
        n.fault(every, text, because=tuple(apart))
    elif axes == 1:
        n.fault(apart[0], f"`{apart[0]}` is for a plane, but there is one axis: give `{every}`")
    elif len(apart) == 1:
        missing = columns if apart == [rows] else rows
        n.fault(apart[0], f"`{apart[0]}` is given, but `{missing}` is missing")
    else:
        return (frames, rows, columns)[-axes:]
    return ()
