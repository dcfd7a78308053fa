"""What a layer type is: everything a layer file imports."""

from netdef.contract.cost import Cost
from netdef.contract.example import Example, Fixed, Labels, Marker, Rois, Uniform, Values
from netdef.contract.fault import Fault, Problem, Unsupported
from netdef.contract.folding import Absorb, Affine, absorb_outputs
from netdef.contract.instance import Instance, Probe
from netdef.contract.labels import check_labels
from netdef.contract.layer_type import REGISTRY, LayerType, Role, SourceType, at_least, layer
from netdef.contract.shapes import convolved_size, count, pooled_size
from netdef.contract.signature import Signature
from netdef.contract.weight import Weight, constant
from netdef.contract.window import Window, convolution_window

__all__ = [
    "REGISTRY",
    "Absorb",
    "Affine",
    "Cost",
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
    "check_labels",
    "constant",
    "convolution_window",
    "convolved_size",
    "count",
    "layer",
    "pooled_size",
]
