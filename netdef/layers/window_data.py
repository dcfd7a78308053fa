"""Windows cut from images."""

from netdef.contract import (
    Example,
    Instance,
    Signature,
    SourceType,
    check_positive,
    check_source,
    check_transform,
    layer,
    refuse_augmentation,
    transformed,
)

_MODES = ("warp", "square")
_SHARES = ("fg_threshold", "bg_threshold", "fg_fraction")


@layer("WindowData", param="window_data_param", role="source")
class WindowData(SourceType):
    """Cut labelled windows from images, so many of each batch showing an object.

    `source` is a text file of images, each with its windows: class, overlap with an object, and
    corners. The tops are the windows (batch_size, 3, crop_size, crop_size), in the order blue,
    green, red, and, if there is a second one, their labels (batch_size,). `batch_size` and
    `transform_param { crop_size }` must be given. Caffe wants both tops.

    A window whose overlap is at least `fg_threshold` (0.5) is foreground; below `bg_threshold`
    (0.5) it is background, of label 0. `fg_fraction` (0.25) of every batch is foreground, drawn at
    random as the rest is; the background comes first. A window is stretched to the crop: by itself
    with `crop_mode: "warp"` (the default), or widened to a square first with "square".
    `context_pad` (0) pixels of the crop, on every side, show what surrounds the window; what lies
    outside the image is 0, as if it were the mean. A mean image is cropped at its own centre.
    `cache_images` keeps the files in memory; `root_folder` is put before every path. `mirror`, mean
    and `scale` are `transform_param`'s.

    Easy to get wrong: `scale`, `mean_file`, `crop_size` and `mirror` inside `window_data_param`
    count only in files of the old formats.

    Girshick et al., Rich feature hierarchies for accurate object detection and semantic
    segmentation, 2014.
    """

    tops = range(1, 3)
    examples = (
        Example(
            'window_data_param { source: "windows.txt" batch_size: 8 fg_threshold: 0.5'
            ' bg_threshold: 0.5 fg_fraction: 0.25 context_pad: 4 crop_mode: "warp" }'
            " transform_param { crop_size: 24 mirror: true mean_value: 104 }",
            outs=[(8, 3, 24, 24), (8,)],
            phase="TRAIN",
        ),
        Example(
            'window_data_param { source: "windows.txt" batch_size: 2 crop_mode: "square" }'
            " transform_param { crop_size: 7 }",
            outs=[(2, 3, 7, 7), (2,)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """The batch of windows, and one label for each."""
        size = n.message.transform_param.crop_size
        with n.collect():
            check_source(n, "a text file of images and their windows")
            check_positive(n, "batch_size")
            check_transform(n)
            refuse_augmentation(n, "cuts and stretches its windows itself")
            if not size:
                path = "transform_param.crop_size"
                text = "WindowData needs `crop_size` in `transform_param`, the side of its windows"
                n.fault(path, text, rule="missing-field")
            elif 2 * n.p.context_pad >= size:
                text = f"`context_pad` {n.p.context_pad} on both sides leaves nothing of {size}"
                n.fault("context_pad", text, because=("transform_param.crop_size",))
            _check_choice(n)
        windows = (n.p.batch_size, *transformed(n, (3, size, size)))
        return Signature([windows, (n.p.batch_size,)][: len(n.tops)])


def _check_choice(n: Instance) -> None:
    """Fault what says which windows are drawn and how they are cut."""
    for name in _SHARES:
        value = getattr(n.p, name)
        if not 0 <= value <= 1:
            n.fault(name, f"`{name}` must be from 0 to 1, not {value:g}")
    if n.p.crop_mode not in _MODES:
        known = " or ".join(f'"{mode}"' for mode in _MODES)
        n.fault("crop_mode", f'`crop_mode` is {known}, not "{n.p.crop_mode}"')
