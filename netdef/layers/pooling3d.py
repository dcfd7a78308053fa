"""Pooling of volumes, as C3D has it."""

from netdef.contract import Example, Instance, Labels, PoolingFields, PoolingType, layer


@layer("Pooling3D", param="pooling3d_param", role="pooling")
class Pooling3D(PoolingType):
    """Reduce every window of a volume to one value.

    (N, C, L, H, W), L frames of H x W, becomes (N, C, L', H', W') with

        L' = ceil((L - kernel_depth) / temporal_stride) + 1
        H' = ceil((H + 2 pad - kernel_size) / stride) + 1

    `kernel_size`, `stride` (1) and `pad` (0) are those of rows and columns, `kernel_depth` and
    `temporal_stride` (1) those of frames. MAX (the default) takes the largest value, and of equal
    ones the first; AVE the sum over the window's volume; STOCHASTIC in TRAIN one of the values,
    drawn in proportion to it, and in TEST their mean weighted by themselves. `pad` goes with AVE
    only.

    Easy to get wrong: the sizes are always rounded up, and no window is dropped, not even one that
    begins in the padding. AVE counts padding but not what lies behind it. With a stride larger than
    the window, the last one can lie wholly behind: MAX then gives -3.4e38, AVE 0 / 0.

    Forks: the type is C3D's. Its first version had the fields in `pooling_param`; in V1 files they
    are read there. Pooling takes volumes too, but as Caffe pools planes: `stride` and `pad` hold
    for frames as well, padding goes with MAX, and a last window in the padding is dropped.

    Tran et al., Learning Spatiotemporal Features with 3D Convolutional Networks, 2015.
    """

    ranks = range(5, 6)
    layout = "(N, C, L, H, W)"
    clips = False
    examples = (
        Example(
            "pooling3d_param { kernel_size: 2 kernel_depth: 1 stride: 2 }",
            [(1, 3, 3, 7, 8)],
            [(1, 3, 3, 4, 4)],
        ),
        Example(
            "pooling3d_param { kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 2 }",
            [(2, 2, 5, 6, 8)],
            [(2, 2, 3, 3, 4)],
        ),
        Example(
            "pooling3d_param { kernel_size: 1 kernel_depth: 1 stride: 2 }",
            [(2, 2, 2, 4, 3)],
            [(2, 2, 2, 3, 2)],
        ),
        Example(
            "pooling3d_param { pool: AVE kernel_size: 3 kernel_depth: 2 stride: 2 pad: 1 }",
            [(2, 2, 3, 6, 5)],
            [(2, 2, 2, 4, 3)],
        ),
        Example(
            "pooling3d_param { pool: AVE kernel_size: 2 kernel_depth: 2 stride: 3 pad: 1"
            " temporal_stride: 3 }",
            [(1, 2, 6, 8, 7)],
            [(1, 2, 3, 4, 4)],
        ),
        Example(
            "pooling3d_param { pool: STOCHASTIC kernel_size: 2 kernel_depth: 2 stride: 2 }",
            [Labels(2, 2, 3, 4, 5, below=9)],
            [(2, 2, 2, 2, 3)],
        ),
        Example(
            "pooling3d_param { pool: STOCHASTIC kernel_size: 2 kernel_depth: 2 stride: 2 }",
            [Labels(2, 2, 3, 4, 5, below=9)],
            [(2, 2, 2, 2, 3)],
            phase="TRAIN",
            random=True,
        ),
    )

    def fields(self, n: Instance) -> PoolingFields:
        if n.p.pad and n.p.pool != n.p.AVE:
            n.fault("pad", "Pooling3D pads only with `pool: AVE`", because=("pool",))
        return PoolingFields(
            ("kernel_depth", "kernel_size", "kernel_size"),
            ("temporal_stride", "stride", "stride"),
            ("", "pad", "pad"),
        )
