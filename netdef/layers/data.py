"""Images and labels from a database."""

from netdef.contract import (
    Example,
    Instance,
    Signature,
    SourceType,
    check_positive,
    check_source,
    check_transform,
    layer,
    probed,
    transformed,
)


@layer("Data", param="data_param", role="source")
class Data(SourceType):
    """Read records from an LMDB or LevelDB in the order of their keys, over and over.

    The tops are the images (batch_size, C, H, W) and, if there is a second one, their labels
    (batch_size,). `transform_param` says what is done to each image: (pixel - mean) * scale, a crop
    (random in TRAIN, centred in TEST), `mirror`. The kind of the database is seen from its files;
    `backend` need not say it. A record holds pixels, or an image file, of which `force_color`
    and `force_gray` make three channels or one. `rand_skip` starts after a random number of records
    below it (Caffe does not heed it). A LevelDB needs `pip install netdef[leveldb]`.

    Beyond Caffe, in TRAIN, `transform_param { augmentation_param { ... } }` changes images at
    random: it cuts out an area of any size and shape (`min_area`, `max_area`, `max_aspect_ratio`)
    and resizes it to the crop, turns (`rotation`), changes colours (`brightness`, `contrast`,
    `saturation`, `hue`), adds `noise`, whose level may become the label (`noise_label`), and erases
    a rectangle (`erase`). What is random depends on the seed and the record alone.

    A layer without `data_param` cannot be fed, only drawn; its `input_param`, if it has one, gives
    the shapes.
    """

    tops = range(1, 3)
    # Item shapes come from the source, which an example does not have: whoever runs the examples
    # lets the probe answer with `outs`, each without its first axis (the batch).
    examples = (
        Example(
            'data_param { source: "digits_train_lmdb" batch_size: 64 backend: LMDB }',
            outs=[(64, 1, 28, 28), (64,)],
        ),
        Example(
            'data_param { source: "images_lmdb" batch_size: 2 backend: LMDB } '
            "transform_param { crop_size: 24 mirror: true mean_value: 104 scale: 0.0078125 }",
            outs=[(2, 3, 24, 24)],
            phase="TRAIN",
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """The batch of images, cropped, and one label for each."""
        if not n.message.HasField("data_param") and n.message.HasField("input_param"):
            shapes = [tuple(shape.dim) for shape in n.message.input_param.shape]
            return Signature([*shapes, None, None][: len(n.tops)])
        with n.collect():
            check_source(n, "the folder of its database")
            check_positive(n, "batch_size")
            check_transform(n)
            if n.message.transform_param.force_gray and n.p.force_encoded_color:
                path = "transform_param.force_gray"
                n.fault(path, "an image cannot have one channel and three")
        batch, items = n.p.batch_size, probed(n)
        image = (batch, *transformed(n, items[0])) if items else None
        return Signature([image, (batch,)][: len(n.tops)])
