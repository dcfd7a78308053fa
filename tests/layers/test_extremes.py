"""Every numeric field of every layer type at its extremes: a diagnostic there, or a valid net."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor as Field

from netdef import catalog
from netdef.analysis.summary import summarize
from netdef.contract import Example
from netdef.passes.pipeline import Request, check_net, load_net
from netdef.schema import pb
from netdef.source import Diagnostic, SourceFile
from netdef.torch_backend.python_host import shapes_of_code

VALUES = ("0", "-1", "1", "2147483647")
ROOM = 2**30
"""Bytes of address space that checking a net of a few layers may add."""

_NUMBERS = {
    Field.CPPTYPE_INT32,
    Field.CPPTYPE_INT64,
    Field.CPPTYPE_UINT32,
    Field.CPPTYPE_UINT64,
    Field.CPPTYPE_FLOAT,
    Field.CPPTYPE_DOUBLE,
}


class Case(NamedTuple):
    """A net with one field changed, the line that field is on, and what is around it."""

    what: str
    text: str
    line: int
    blocks: tuple[str, ...]  # inside the type's own block, those around the field


def numeric(message: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths to all numeric fields, through the messages inside."""
    for field in message.fields:
        if field.cpp_type in _NUMBERS:
            yield (*path, field.name)
        elif field.cpp_type == Field.CPPTYPE_MESSAGE and field.name not in path:
            yield from numeric(field.message_type, (*path, field.name))


def lines(message: Any, path: tuple[str, ...], value: str) -> Iterator[str]:
    """The fields of a message, one per line, with the one at `path` set to `value`."""
    name, *rest = path or ("",)
    seen = False
    for field, held in message.ListFields():
        several = isinstance(field.default_value, list)
        for i, one in enumerate(held if several else [held]):
            inside = tuple(rest) if field.name == name and i == 0 else ()
            if field.name == name and i == 0 and not rest:
                yield f"{name}: {value} # here"
            elif field.cpp_type == Field.CPPTYPE_MESSAGE:
                yield f"{field.name} {{"
                yield from lines(one, inside, value)
                yield "}"
            else:
                yield text_format.MessageToString(
                    type(message)(**{field.name: [one] if several else one})
                ).strip()
            seen |= field.name == name
    if name and not seen and not rest:
        yield f"{name}: {value} # here"
    elif name and not seen:
        yield f"{name} {{"
        held = getattr(message, name)
        yield from lines(held.add() if hasattr(held, "add") else held, tuple(rest), value)
        yield "}"


def cases(name: str, example: Example) -> Iterator[Case]:
    """Every numeric field of the type's own message, and of those the example uses, changed."""
    kind = catalog.find(name)
    layer = text_format.Parse(example.text, pb.LayerParameter())
    own = [kind.param] if kind.param else []
    used = [field.name for field, _ in layer.ListFields()]
    whole = example.prototxt(name)
    before = whole[: whole.rindex("layer {")]
    after = whole[whole.rindex("layer {") :].removesuffix("}\n").replace(example.text.strip(), "")
    for message in dict.fromkeys(own + used):
        field = pb.LayerParameter.DESCRIPTOR.fields_by_name[message]
        if field.cpp_type != Field.CPPTYPE_MESSAGE:
            continue
        for path in numeric(field.message_type):
            for value in VALUES:
                changed = "\n".join(lines(layer, (message, *path), value))
                text = f"{before}{after}\n{changed}\n}}\n"
                line = 1 + text[: text.index("# here")].count("\n")
                yield Case(f"{'.'.join((message, *path))}: {value}", text, line, path[:-1])


@contextmanager
def little_memory() -> Iterator[None]:
    """Let no large block be taken."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def about(diagnostic: Diagnostic, case: Case) -> bool:
    """Whether a diagnostic points at the line that was changed, be it with a label.

    Where a block is at fault as a whole, it points at the name of that.
    """
    spans = [diagnostic.span, *(label.span for label in diagnostic.labels)]
    last = {s.line + case.text[s.start : s.end].count("\n"): s for s in spans if s is not None}
    here = any(span.line <= case.line <= end for end, span in last.items())
    return here or any(span is not None and span.text in case.blocks for span in spans)


@pytest.mark.parametrize("name", catalog.names())
def test_extremes(name: str) -> None:
    """No traceback, no large allocation, and an error points at what was changed."""
    misplaced = []
    with little_memory():
        for example in catalog.find(name).examples:

            def probe(n: Any, example: Example = example) -> list[tuple[int, ...]]:
                return [tuple(out[1:]) for out in example.outs][: len(n.tops)]

            for case in cases(name, example):
                file = SourceFile("<extreme>", case.text)
                request = Request(probe=probe, code=shapes_of_code)
                errors = [d for d in check_net(file, [example.phase], request) if d.is_error]
                if not errors:
                    summarize(load_net(file, example.phase, request))
                elif not any(about(d, case) for d in errors):
                    misplaced.append((case.what, errors[0].message))
    assert misplaced == []
