"""Arrays into an HDF5 file."""

from typing import Any

from netdef.contract import Cost, Example, Instance, Labels, LayerType, Signature, layer


@layer("HDF5Output", param="hdf5_output_param", role="sink")
class HDF5Output(LayerType):
    """Write what comes by to the HDF5 file `file_name`, into the datasets `data` and `label`.

    Bottoms: what becomes `data` (N, ...), and what becomes `label` (N, ...), of any further axes.
    There is no top, and nothing gets a gradient. Every pass over the whole net, in training and in
    testing, adds its N rows; asking for single blobs writes nothing. Values are float32.

    The file is relative to the working folder. The first pass makes it anew, unless it is there and
    no HDF5 file: then that is an error. The reference writes one batch only, and fails at a second.
    """

    bottoms = 2
    tops = 0
    effect = True
    no_grad_bottoms = (0, 1)
    examples = (
        Example('hdf5_output_param { file_name: "features.h5" }', [(4, 3), Labels(4, below=5)]),
    )

    def signature(self, n: Instance) -> Signature:
        """No tops; as many rows of data as of labels."""
        with n.collect():
            if not n.p.file_name:
                n.fault("file_name", "HDF5Output needs `file_name`", rule="missing-field")
            data, label = n.ins
            if not data or not label or data[0] != label[0]:
                rows = [f"{shape[0]} rows" if shape else "no axis" for shape in n.ins]
                text = f"data and labels must have as many rows; they have {rows[0]} and {rows[1]}"
                n.fault("bottom[1]", text, "shape-mismatch")
        return Signature([])

    def cost(self, n: Instance) -> Cost:
        """Nothing is computed."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """A module that hands arrays to a writer."""
        return t.ops.HDF5Output(t.hdf5_writer(n.p.file_name), ("data", "label"))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """No nodes and no tops: a graph writes nothing."""
        del n, g, ins
        return ()
