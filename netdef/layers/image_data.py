"""Images and labels from image files."""

from netdef.contract import (
    Example,
    Instance,
    Signature,
    SourceType,
    check_positive,
    check_source,
    check_transform,
    crop_of,
    ignored,
    layer,
    probed,
    transformed,
)
from netdef.ir import Shape

_FORKS = 1000
"""From this number on, fields are those of forks."""


@layer("ImageData", param="image_data_param", role="source")
class ImageData(SourceType):
    """Read image files that a text file lists, over and over.

    Every line of `source` is the path of an image, a space and a whole number, its label;
    `root_folder` is put before every path. The tops are the images (batch_size, C, H, W) and, if
    there is a second one, the labels (batch_size,). C is 3, in the order blue, green, red, or 1
    with `is_color: false`.

    Images are first resized to `new_height` x `new_width`, which are given both or not at all, then
    treated as `transform_param` says: (pixel - mean) * scale, a crop (random in TRAIN, centred in
    TEST), `mirror`. Without new sizes and without a crop, the first image says what H and W are,
    and all must be of its size. `batch_size` is 1 unless given. `shuffle` orders the list anew at
    every pass; `rand_skip` starts after a random number of images below it. In TRAIN,
    `augmentation_param` changes images at random, as those of a Data layer.

    Easy to get wrong: resizing does not keep the ratio of the sides. `scale`, `mean_file`,
    `crop_size` and `mirror` inside `image_data_param` count only in files of the old formats.

    Forks: C3D reads clips by further fields of `image_data_param` (`new_length` and others),
    DeepLab label images by `label_type`; for an ImageData they mean nothing. Caffe wants both tops.
    """

    tops = range(1, 3)
    # As with Data, the probe answers with `outs`, each without its first axis.
    examples = (
        Example(
            'image_data_param { source: "train.txt" batch_size: 8 new_height: 32 new_width: 48 }',
            outs=[(8, 3, 32, 48), (8,)],
        ),
        Example(
            'image_data_param { source: "train.txt" batch_size: 4 new_height: 36 new_width: 36'
            " shuffle: true } transform_param { crop_size: 32 mirror: true mean_value: 104 }",
            outs=[(4, 3, 32, 32), (4,)],
            phase="TRAIN",
        ),
        Example(
            'image_data_param { source: "train.txt" root_folder: "images/" is_color: false }',
            outs=[(1, 1, 20, 30), (1,)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """The batch of images, resized and cropped, and one label for each."""
        with n.collect():
            check_source(n, "a text file that lists images and labels")
            check_positive(n, "batch_size")
            if bool(n.p.new_height) != bool(n.p.new_width):
                field = "new_height" if n.p.new_height else "new_width"
                text = "give `new_height` and `new_width`, or neither"
                n.fault(field, text, because=("new_height", "new_width"))
            check_transform(n)
        batch, image = n.p.batch_size, _image(n)
        by_forks = [field.name for field in n.p.DESCRIPTOR.fields if field.number >= _FORKS]
        warnings = ignored(n, *by_forks, reason="forks have it for other layer types")
        tops = [(batch, *image) if image else None, (batch,)]
        return Signature(tops[: len(n.tops)], warnings=warnings)


def _image(n: Instance) -> Shape | None:
    """Return the shape of one image as the net sees it; None when its source is not there."""
    channels = 3 if n.p.is_color else 1
    if n.p.new_height:
        size = (channels, n.p.new_height, n.p.new_width)
        return transformed(n, size, because=("new_height", "new_width", "is_color"))
    rows, columns = crop_of(n)
    if rows:  # all images are cut to it, whatever their size
        return transformed(n, (channels, rows, columns), because=("is_color",))
    items = probed(n)
    return transformed(n, items[0]) if items else None
