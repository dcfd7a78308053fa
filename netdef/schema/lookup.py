"""Fields, enums and messages of the schema by name."""

from functools import cache

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from netdef.source.suggest import did_you_mean


@cache
def fields(message: Descriptor) -> dict[str, FieldDescriptor]:
    """Return the fields of a message by name."""
    return {field.name: field for field in message.fields}


@cache
def enum_values(enum: EnumDescriptor) -> dict[str, int]:
    """Return the numbers of an enum by name."""
    return {value.name: value.number for value in enum.values}


def is_repeated(field: FieldDescriptor) -> bool:
    """Whether a field may be given several times, under every protobuf we support."""
    try:
        return field.is_repeated
    except AttributeError:  # before protobuf 6.31; the stubs are those of later ones
        return getattr(field, "label") == FieldDescriptor.LABEL_REPEATED  # noqa: B009 - not in the stubs


def is_required(field: FieldDescriptor) -> bool:
    """Whether a field must be given, under every protobuf we support."""
    try:
        return field.is_required
    except AttributeError:  # before protobuf 6.31, as above
        return getattr(field, "label") == FieldDescriptor.LABEL_REQUIRED  # noqa: B009 - not in the stubs


def suggest_field(message: Descriptor, name: str) -> str | None:
    """Return "did you mean ...?" for a field name that `message` does not have."""
    return did_you_mean(name, fields(message))
