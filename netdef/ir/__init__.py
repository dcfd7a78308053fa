"""The network as a graph in SSA form: plain data that passes take and return."""

from netdef.ir.blob import Blob, Shape, show_shape
from netdef.ir.layer import Layer
from netdef.ir.net import Net
from netdef.ir.param import Param

__all__ = ["Blob", "Layer", "Net", "Param", "Shape", "show_shape"]
