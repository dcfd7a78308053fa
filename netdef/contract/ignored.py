"""Fields that a layer has, but that change nothing."""

from netdef.contract.fault import Problem
from netdef.contract.instance import Instance


def ignored(n: Instance, *fields: str, reason: str | None = None) -> list[Problem]:
    """Return warnings for those of the fields that the file sets to something else than unset.

    Args:
        n: The layer.
        fields: Fields of the type's own message that have no effect here.
        reason: What wins over them, or what the layer does instead, as a note.
    """
    descriptors = n.p.DESCRIPTOR.fields_by_name
    given = {field.name: value for field, value in n.p.ListFields()}
    return [
        Problem(name, f"`{name}` has no effect in this {n.type}", "ignored-field", reason)
        for name in fields
        if name in given and given[name] != descriptors[name].default_value
    ]
