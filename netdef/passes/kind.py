"""What a prototxt is: a net, a solver, or something else, told from its fields."""

from google.protobuf.descriptor import Descriptor

from netdef.frontend.nodes import Document
from netdef.schema import pb
from netdef.schema.lookup import fields

_MESSAGES = (pb.NetParameter, pb.SolverParameter, pb.LabelMap, pb.BlobProto, pb.Datum)


def message_for(document: Document) -> type[pb.NetParameter]:
    """Return the message whose fields a document has most of; a net when none is ahead."""

    def known(descriptor: Descriptor) -> int:
        return sum(node.name in fields(descriptor) for node in document.fields)

    return max(_MESSAGES, key=lambda message: known(message.DESCRIPTOR))  # type: ignore[return-value]
