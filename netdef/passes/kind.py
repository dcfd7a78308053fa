"""What a prototxt is: a net, a solver, or something else, told from its fields."""

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from netdef.frontend.nodes import Document
from netdef.schema import pb
from netdef.schema.lookup import fields
from netdef.source import Diagnostic, error

_MESSAGES = (pb.NetParameter, pb.SolverParameter, pb.LabelMap, pb.BlobProto, pb.Datum)


_WORDS = {
    "NetParameter": "a net",
    "SolverParameter": "a solver",
    "LabelMap": "a label map",
    "BlobProto": "a blob",
    "Datum": "a data record",
}


def message_for(document: Document) -> type[pb.NetParameter]:
    """Return the message whose fields a document has most of; a net when none is ahead."""

    def known(descriptor: Descriptor) -> int:
        return sum(node.name in fields(descriptor) for node in document.fields)

    return max(_MESSAGES, key=lambda message: known(message.DESCRIPTOR))  # type: ignore[return-value]


def other_kind(document: Document, wanted: type[Message]) -> Diagnostic | None:
    """Return the fault of a document that is something else than `wanted`, or None."""
    kind = message_for(document)
    if kind is wanted:
        return None
    path, is_, should = document.file.path, _WORDS[kind.__name__], _WORDS[wanted.__name__]
    note = "give a solver, or a net and then a solver" if wanted is pb.SolverParameter else None
    return error("other-kind", f"{path} is {is_}, not {should}", note=note)
