"""What a layer type is: everything a layer file imports."""

from netdef.contract.augmentation import refuse_augmentation
from netdef.contract.batch_statistics import normalized_by_batch
from netdef.contract.convolving import (
    channel_axis,
    check_bottoms,
    check_filters,
    check_num_output,
    convolved_sizes,
    deconvolved_sizes,
)
from netdef.contract.cost import Cost
from netdef.contract.data_source import (
    check_positive,
    check_source,
    check_transform,
    crop_of,
    probed,
    transformed,
)
from netdef.contract.documentation import Documentation, documentation
from netdef.contract.example import Example, Fixed, ImageInfo, Labels, Marker, Rois, Uniform, Values
from netdef.contract.fault import Fault, Problem, Unsupported
from netdef.contract.folding import Absorb, Affine, absorb_outputs
from netdef.contract.ignored import ignored
from netdef.contract.instance import Code, CodeShapes, Instance, Probe
from netdef.contract.labels import check_labels
from netdef.contract.layer_type import (
    REGISTRY,
    ROLES,
    LayerType,
    Role,
    SourceType,
    at_least,
    layer,
)
from netdef.contract.normalization import normalization
from netdef.contract.operand import Operand, operand_of
from netdef.contract.pooling import PoolingFields, PoolingType
from netdef.contract.recurrent import RecurrentType
from netdef.contract.shapes import alike, convolved_size, count, pooled_size
from netdef.contract.signature import Signature
from netdef.contract.weight import Weight, constant
from netdef.contract.window import Window, convolution_window, volume_window

__all__ = [
    "REGISTRY",
    "ROLES",
    "Absorb",
    "Affine",
    "Code",
    "CodeShapes",
    "Cost",
    "Documentation",
    "Example",
    "Fault",
    "Fixed",
    "ImageInfo",
    "Instance",
    "Labels",
    "LayerType",
    "Marker",
    "Operand",
    "PoolingFields",
    "PoolingType",
    "Probe",
    "Problem",
    "RecurrentType",
    "Rois",
    "Role",
    "Signature",
    "SourceType",
    "Uniform",
    "Unsupported",
    "Values",
    "Weight",
    "Window",
    "absorb_outputs",
    "alike",
    "at_least",
    "channel_axis",
    "check_bottoms",
    "check_filters",
    "check_labels",
    "check_num_output",
    "check_positive",
    "check_source",
    "check_transform",
    "constant",
    "convolution_window",
    "convolved_size",
    "convolved_sizes",
    "count",
    "crop_of",
    "deconvolved_sizes",
    "documentation",
    "ignored",
    "layer",
    "normalization",
    "normalized_by_batch",
    "operand_of",
    "pooled_size",
    "probed",
    "refuse_augmentation",
    "transformed",
    "volume_window",
]
