"""What a layer type is: everything a layer file imports."""

from netdef.contract.convolving import (
    channel_axis,
    check_bottoms,
    check_filters,
    check_num_output,
    convolved_sizes,
    deconvolved_sizes,
)
from netdef.contract.cost import Cost
from netdef.contract.documentation import Documentation, documentation
from netdef.contract.example import Example, Fixed, Labels, Marker, Rois, Uniform, Values
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
from netdef.contract.shapes import convolved_size, count, pooled_size
from netdef.contract.signature import Signature
from netdef.contract.weight import Weight, constant
from netdef.contract.window import Window, convolution_window

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
    "Instance",
    "Labels",
    "LayerType",
    "Marker",
    "Probe",
    "Problem",
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
    "at_least",
    "channel_axis",
    "check_bottoms",
    "check_filters",
    "check_labels",
    "check_num_output",
    "constant",
    "convolution_window",
    "convolved_size",
    "convolved_sizes",
    "count",
    "deconvolved_sizes",
    "ignored",
    "documentation",
    "layer",
    "pooled_size",
]
