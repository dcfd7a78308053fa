"""Repeated parts of a net as classes of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netdef.torch_source.call import ROUNDING, Call
from netdef.torch_source.names import (
    Names,
    class_name,
    identifier,
    shared_parts,
    without_prefix,
)
from netdef.torch_source.repeats import Repeat, best_repeat, blobs_name
from netdef.torch_source.step import Program, Step, Value


@dataclass(frozen=True)
class Block:
    """A class for a part that the net repeats.

    Attributes:
        name: The class's name.
        parameters: The names of what it is made with.
        arguments: Which of the steps' arguments these are: by the step's place, then by name.
        steps: The steps, called as they are in all places.
        inputs: What it reads.
        output: What it makes.
        instances: What its instances are called in the net.
    """

    name: str
    parameters: tuple[str, ...]
    arguments: tuple[dict[str, str], ...]
    steps: tuple[Step, ...]
    inputs: tuple[Value, ...]
    output: Value
    instances: tuple[str, ...]


def find_blocks(program: Program, taken: Callable[[str], bool]) -> tuple[Program, list[Block]]:
    """Return the net with its repeated parts as single steps, and the classes of these.

    Args:
        program: The net.
        taken: Says which names of classes are somebody else's.
    """
    names = Names(taken)
    blocks: list[Block] = []
    steps = list(program.steps)
    results = frozenset(value for _, value in program.outputs)
    while (repeat := best_repeat(steps, results)) is not None:
        runs = [steps[start : start + repeat.length] for start in repeat.starts]
        block, made = _make(runs, repeat, names, steps, results)
        blocks.append(block)
        for start, step in reversed([*zip(repeat.starts, made, strict=True)]):
            steps[start : start + repeat.length] = [step]
    return replace(program, steps=tuple(_chained(steps, results))), blocks


def _make(
    runs: Sequence[Sequence[Step]],
    repeat: Repeat,
    names: Names,
    steps: Sequence[Step],
    results: frozenset[Value],
) -> tuple[Block, list[Step]]:
    """Return the class of some runs, and a step for each of them."""
    ends = [_ends(run, steps, results) for run in runs]
    called = _instance_names(runs, [output for _, output in ends])
    inner = _inner_names(runs, called)
    parameters, by_place = _parameters(runs, repeat, inner)
    arguments: list[dict[str, str]] = [{} for _ in inner]
    for name, column in parameters.items():
        for index, argument in repeat.varying[column]:
            arguments[index][argument] = name
    values = _inner_values(runs, called, ends[0][0])
    block = Block(
        name=_class_name(called, names),
        parameters=tuple(parameters),
        arguments=tuple(arguments),
        steps=tuple(
            replace(
                step,
                name=name,
                inputs=tuple(values[value] for value in step.inputs),
                outputs=tuple(values[value] for value in step.outputs),
                handle=values.get(step.handle) if step.handle is not None else None,
            )
            for step, name in zip(runs[0], inner, strict=True)
        ),
        inputs=tuple(values[value] for value in ends[0][0]),
        output=values[ends[0][1]],
        instances=tuple(called),
    )
    made: list[Step] = []
    owners: dict[Step, Step] = {}
    for number, (run, (inputs, output)) in enumerate(zip(runs, ends, strict=True)):
        given = {name: column[number] for name, column in parameters.items()}
        template = f"{{self}}({', '.join(f'{{{i}}}' for i in range(len(inputs)))})"
        call = Call(block.name, given, {}, by_place)
        reused = next((step.reuses for step in run if step.reuses is not None), None)
        owner = owners.get(reused) if reused is not None else None
        step = Step(called[number], template, inputs, (output,), call, reuses=owner)
        if owner is None:
            step.inner = tuple(run)
            owners |= dict.fromkeys(run, step)
        made.append(step)
    return block, made


def _ends(
    run: Sequence[Step], steps: Sequence[Step], results: frozenset[Value]
) -> tuple[tuple[Value, ...], Value]:
    """Return what a run reads, and the one value that others read of it."""
    made = [value for step in run for value in step.outputs]
    inside = set(run)
    read = {value for step in steps if step not in inside for value in step.inputs} | results
    (output,) = (value for value in made if value in read)
    inputs = dict.fromkeys(value for step in run for value in step.inputs)
    return tuple(value for value in inputs if value not in made), output


def _instance_names(runs: Sequence[Sequence[Step]], outputs: Sequence[Value]) -> list[str]:
    """Return what each run's blobs have in common; where that is nothing, the last blob."""
    common = [blobs_name(run) for run in runs]
    if all(common) and len(set(common)) == len(common):
        return common
    return [output.name for output in outputs]


def _inner_names(runs: Sequence[Sequence[Step]], called: Sequence[str]) -> list[str]:
    columns = zip(*runs, strict=True)
    return [
        shared_parts([without_prefix(s.name, n) for s, n in zip(column, called, strict=True)])
        for column in columns
    ]


def _inner_values(
    runs: Sequence[Sequence[Step]], called: Sequence[str], inputs: Sequence[Value]
) -> dict[Value, Value]:
    """Return values with names that suit all runs, in place of the first run's."""
    values = {value: Value("x") for value in inputs}
    for column in zip(*runs, strict=True):
        for made in zip(*(step.outputs for step in column), strict=True):
            names = [without_prefix(v.name, n) for v, n in zip(made, called, strict=True)]
            values[made[0]] = Value(shared_parts(names), made[0].module)
    return values


def _class_name(called: Sequence[str], names: Names) -> str:
    """Return `FireBlock` for fire2 and fire3; `Fire2Block` where another class has that name."""
    name = f"{class_name(called)}Block"
    first = identifier(called[0], "part")
    return names.new(name if names.free(name) else f"{first[0].upper()}{first[1:]}Block")


def _parameters(
    runs: Sequence[Sequence[Step]], repeat: Repeat, inner: Sequence[str]
) -> tuple[dict[str, tuple[Any, ...]], int]:
    """Return names for the arguments that vary, and how many are widths, which come first."""
    names = Names({"self", "nn", "torch", ROUNDING}.__contains__)
    first = runs[0]
    made = {value for step in first for value in step.outputs}
    entering = {i for i, step in enumerate(first) if not made.intersection(step.inputs)}
    widths: dict[str, tuple[Any, ...]] = {}
    others: dict[str, tuple[Any, ...]] = {}
    for values, places in repeat.varying.items():
        wanted, is_width = _parameter_name(places, entering, inner)
        (widths if is_width else others)[names.new(wanted)] = values
    return {**widths, **others}, len(widths)


def _parameter_name(
    places: Sequence[tuple[int, str]], entering: set[int], inner: Sequence[str]
) -> tuple[str, bool]:
    """Return a name for an argument of several steps, and whether it is a width."""
    reads = any(index in entering and name.startswith("in") for index, name in places)
    writes = [index for index, name in places if name.startswith("out")]
    if reads:
        return "channels" if writes else "in_channels", True
    if writes:
        return identifier(inner[writes[0]], "width"), True
    same = {name for _, name in places}
    if len(same) == 1:
        return same.pop(), False
    index, name = places[0]
    return f"{identifier(inner[index], 'x')}_{name}", False


def _chained(steps: Sequence[Step], results: frozenset[Value]) -> list[Step]:
    """Return the steps with equal blocks, one behind the other, as one."""
    readers: dict[Value, int] = dict.fromkeys(results, 2)
    for value in (value for step in steps for value in step.inputs):
        readers[value] = readers.get(value, 0) + 1
    done: list[list[Step]] = []
    for step in steps:
        last = done[-1][-1] if done else step
        follows = step.inputs == last.outputs and readers.get(last.outputs[0]) == 1
        if done and follows and _alike(last, step):
            done[-1].append(step)
        else:
            done.append([step])
    reused = {step.reuses for step in steps}
    return [
        merged
        for group in done
        for merged in ([_merged(group)] if _loops(group, reused) else group)
    ]


def _alike(a: Step, b: Step) -> bool:
    return bool(a.inner and b.inner) and a.call == b.call


def _loops(group: Sequence[Step], reused: set[Step | None]) -> bool:
    return len(group) > 1 and reused.isdisjoint(group)


def _merged(group: Sequence[Step]) -> Step:
    first, last = group[0], group[-1]
    return replace(
        first,
        name=f"{first.name}_to_{last.name}",
        outputs=last.outputs,
        inner=(),
        chain=tuple(group),
    )
