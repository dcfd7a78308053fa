"""What a summed loss is divided by."""

from netdef.contract.instance import Instance
from netdef.schema import pb


def normalization(n: Instance, default: str = "VALID") -> str:
    """Return the mode of `loss_param`: FULL, VALID, BATCH_SIZE, NONE or PRE_FIXED.

    `normalization` wins over the old form: `normalize: true` is VALID, false BATCH_SIZE.

    Args:
        n: The layer.
        default: The mode of a layer that gives neither.
    """
    p = n.message.loss_param
    if p.HasField("normalization"):
        return pb.LossParameter.NormalizationMode.Name(p.normalization)
    if p.HasField("normalize"):
        return "VALID" if p.normalize else "BATCH_SIZE"
    return default
