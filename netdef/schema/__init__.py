"""The messages of `proto/netdef.proto` and how to find their parts by name."""

from netdef.schema import netdef_pb2 as pb

__all__ = ["pb"]
