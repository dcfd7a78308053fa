"""The fields of a message, described for people."""

from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from netdef.schema.docs import doc_of
from netdef.schema.lookup import is_repeated, is_required


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message.

    Attributes:
        name: Its name.
        type: The type of its values: `uint32`, or the name of a message or an enum; of one that is
            declared inside the same message, the last part.
        repeated: Whether it may be given several times.
        required: Whether it must be given.
        default: Its value where a file gives none, as the file would give it; None where the
            schema names none.
        doc: What it means, in one line.
        values: For an enum, what each of its values means, by name.
    """

    name: str
    type: str
    repeated: bool
    required: bool
    default: str | None
    doc: str
    values: dict[str, str]


def describe(message: Descriptor) -> list[Field]:
    """Return the fields of a message, in the order of the schema."""
    return [_described(field) for field in message.fields]


def type_name(described: Descriptor | EnumDescriptor) -> str:
    """Return the name of a message or enum within the schema: `PriorBoxParameter.CodeType`."""
    return described.full_name.removeprefix(f"{described.file.package}.")


def _described(field: FieldDescriptor) -> Field:
    enum: EnumDescriptor | None = field.enum_type
    inside: Descriptor | EnumDescriptor | None = field.message_type or enum
    return Field(
        name=field.name,
        type=_type(inside, field.containing_type) if inside else _SCALARS[field.type],
        repeated=is_repeated(field),
        required=is_required(field),
        default=_default(field) if field.has_default_value else None,
        doc=doc_of(field.full_name),
        values={v.name: doc_of(f"{enum.full_name}.{v.name}") for v in enum.values} if enum else {},
    )


def _type(described: Descriptor | EnumDescriptor, holder: Descriptor | None) -> str:
    is_inner = described.containing_type is holder
    return described.name if is_inner else type_name(described)


def _default(field: FieldDescriptor) -> str:
    value = field.default_value
    if field.enum_type:
        return field.enum_type.values_by_number[value].name
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"  # a float has six digits; the descriptor gives 0.00999999978
    return f'"{value}"' if isinstance(value, str) else str(value)


_SCALARS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}
"""Names of the scalar types, by the numbers that descriptors have for them."""
