"""Weight files: reading, writing, and matching them to a net."""

from netdef.weights.binaryproto import read_binaryproto, read_mean, write_binaryproto
from netdef.weights.caffemodel import check_caffemodel_size
from netdef.weights.files import read_weights, weight_format, write_weights
from netdef.weights.match import Match, Mismatch, match_weights
from netdef.weights.weights import StoredLayer, Weights

__all__ = [
    "Match",
    "Mismatch",
    "StoredLayer",
    "Weights",
    "check_caffemodel_size",
    "match_weights",
    "read_binaryproto",
    "read_mean",
    "read_weights",
    "weight_format",
    "write_binaryproto",
    "write_weights",
]
