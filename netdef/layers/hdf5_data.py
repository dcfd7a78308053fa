"""Arrays from HDF5 files."""

from netdef.contract import Example, Instance, Signature, SourceType, at_least, layer


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
            _check_fields(n)
        try:
            items = n.probe()
        except ValueError as fault:  # the source is there, but something is wrong with it
            n.fault("source", str(fault), rule="bad-source")
            items = None
        if items is None:
            return Signature([None] * len(n.tops))
        return Signature([(n.p.batch_size, *item) for item in items])


def _check_fields(n: Instance) -> None:
    if not n.p.source:
        text = "HDF5Data needs `source`, a text file that lists HDF5 files"
        n.fault("source", text, rule="missing-field")
    if n.p.batch_size < 1:
        if n.p.HasField("batch_size"):
            n.fault("batch_size", "`batch_size` must be at least 1, not 0")
        else:
            n.fault("batch_size", "HDF5Data needs `batch_size`", rule="missing-field")
    if n.message.HasField("transform_param"):
        text = "HDF5Data transforms nothing"
        n.fault("transform_param", text, note="store the values as the net is to see them")
