"""Images and labels from memory."""

from netdef.contract import (
    Example,
    Instance,
    Signature,
    SourceType,
    check_positive,
    check_transform,
    crop_of,
    layer,
    transformed,
)

_SIZES = ("batch_size", "channels", "height", "width")


@layer("MemoryData", param="memory_data_param", role="source")
class MemoryData(SourceType):
    """Take images and labels from the memory of the program that runs the net.

    The tops are the images (batch_size, channels, height, width) and, if there is a second one, the
    labels (batch_size,); all four sizes must be given. `transform_param` says what is done to each
    image; the sizes are those after it, so that a crop must be height x width.

    It is an input of the net: whoever runs it gives the values of its tops, as they are after
    `transform_param`. From arrays that `netdef.batches(net, feed=...)` or `netdef.Solver(...,
    feed=...)` get once, images as they are before it, batches are cut in order, over and over.
    Caffe wants both tops.
    """

    tops = range(1, 3)
    examples = (
        Example(
            "memory_data_param { batch_size: 4 channels: 3 height: 8 width: 10 }",
            outs=[(4, 3, 8, 10), (4,)],
        ),
        Example(
            "memory_data_param { batch_size: 1 channels: 1 height: 6 width: 6 }"
            " transform_param { crop_size: 6 scale: 0.5 }",
            outs=[(1, 1, 6, 6), (1,)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """The sizes that are written."""
        batch, *image = sizes = tuple(getattr(n.p, name) for name in _SIZES)
        with n.collect():
            check_positive(n, *_SIZES)
            check_transform(n)
        transformed(n, (image[0], image[1], image[2]), because=_SIZES)
        crop = crop_of(n)
        if crop[0] and crop != tuple(image[1:]):
            text = f"a crop of {crop[0]} x {crop[1]}, but images of {image[1]} x {image[2]}"
            fields = ("transform_param.crop_h", "transform_param.crop_w", "height", "width")
            n.fault("transform_param.crop_size", f"{text} after it", because=fields)
        return Signature([sizes, (batch,)][: len(n.tops)])
