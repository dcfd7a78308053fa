"""Arrays from HDF5 files."""

from netdef.contract import (
    Example,
    Instance,
    Signature,
    SourceType,
    at_least,
    check_positive,
    check_source,
    layer,
    probed,
)


@layer("HDF5Data", param="hdf5_data_param", role="source")
class HDF5Data(SourceType):
    """Read rows from the HDF5 files that a text file lists, one path per line, over and over.

    Every top is the dataset of that name: rows along its first axis, `batch_size` of them at a
    time, of any shape. A batch may span files. `shuffle` orders the files, and the rows within each
    file, anew at every pass. Nothing is transformed: `transform_param` is an error.
    """

    tops = at_least(1)
    # As with Data, the probe answers with `outs`, each without its first axis.
    examples = (
        Example(
            'hdf5_data_param { source: "train.txt" batch_size: 10 }',
            outs=[(10, 4), (10,)],
        ),
        Example(
            'hdf5_data_param { source: "train.txt" batch_size: 2 shuffle: true }',
            outs=[(2, 3, 8, 8)],
            phase="TRAIN",
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """The batch of each dataset."""
        with n.collect():
            check_source(n, "a text file that lists HDF5 files")
            check_positive(n, "batch_size")
            if n.message.HasField("transform_param"):
                note = "store the values as the net is to see them"
                n.fault("transform_param", "HDF5Data transforms nothing", note=note)
        items = probed(n)
        if items is None:
            return Signature([None] * len(n.tops))
        return Signature([(n.p.batch_size, *item) for item in items])
