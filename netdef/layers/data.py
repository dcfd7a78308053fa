"""Images and labels from a database."""

from typing import Any

from netdef.contract import Example, Instance, Signature, SourceType, layer


@layer("Data", param="data_param", role="source")
class Data(SourceType):
    """Read records from an LMDB in the order of their keys, over and over.

    The tops are the images (batch_size, C, H, W) and, if there is a second one, their labels
    (batch_size,). `transform_param` says what is done to each image: (pixel - mean) * scale, a crop
    (random in TRAIN, centred in TEST), `mirror`. The kind of the database is seen from its files;
    `backend` need not say it.

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
            _check_fields(n)
        batch = n.p.batch_size
        tops = [_images(n, batch), (batch,)]
        return Signature(tops[: len(n.tops)])


def _check_fields(n: Instance) -> None:
    if not n.p.source:
        n.fault("source", "Data needs `source`, the folder of its database", rule="missing-field")
    if n.p.batch_size < 1:
        if n.p.HasField("batch_size"):
            n.fault("batch_size", "`batch_size` must be at least 1, not 0")
        else:
            n.fault("batch_size", "Data needs `batch_size`", rule="missing-field")
    transform = n.message.transform_param
    if transform.HasField("mean_file") and transform.mean_value:
        n.fault("transform_param.mean_value", "give `mean_file` or `mean_value`, not both")
    if transform.force_gray and (transform.force_color or n.p.force_encoded_color):
        n.fault("transform_param.force_gray", "an image cannot have one channel and three")
    crop_h, crop_w = _crop(transform)
    if bool(crop_h) != bool(crop_w):
        path = f"transform_param.{'crop_h' if crop_h else 'crop_w'}"
        n.fault(path, "give `crop_h` and `crop_w`, or `crop_size`")


def _images(n: Instance, batch: int) -> tuple[int, ...] | None:
    try:
        items = n.probe()
    except ValueError as fault:  # the source is there, but something is wrong with it
        n.fault("source", str(fault), rule="bad-source")
        return None
    if items is None:
        return None
    channels, height, width = items[0]
    transform = n.message.transform_param
    means = len(transform.mean_value)
    if means not in (0, 1, channels):
        path = f"transform_param.mean_value[{means - 1}]"
        n.fault(path, f"{means} mean values for {channels} channels; give one, or one per channel")
    crop_h, crop_w = _crop(transform)
    if crop_h > height or crop_w > width:
        path = f"transform_param.{'crop_size' if transform.crop_size else 'crop_h'}"
        n.fault(path, f"a crop of {crop_h} x {crop_w} from images of {height} x {width}")
    return batch, channels, crop_h or height, crop_w or width


def _crop(transform: Any) -> tuple[int, int]:
    """Return rows and columns of the crop; 0 where there is none."""
    return transform.crop_h or transform.crop_size, transform.crop_w or transform.crop_size
