"""Runs of steps that a net repeats."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netdef.torch_source.names import beginnings, common_name
from netdef.torch_source.step import Step, Value

_LONGEST = 80
"""Steps of the longest run that is looked for."""

_HEAD = 3
"""Lines of a class around its steps."""

_LEAST_GAIN = 4
"""Lines that a class must save."""

_NAMED = 2.0
"""How much better it is when the names of the net tell the runs apart: they say what its author
thought of as one thing."""

_LEAST_KEPT = 2
"""Modules with values that a class must hold; of one alone it would only be another name."""


@dataclass(frozen=True)
class Repeat:
    """Runs of equal wiring.

    Attributes:
        starts: Where each run begins.
        length: How many steps it has.
        varying: The arguments that are not the same in all runs: place of the step and name, by
            the values that they have in the runs.
        gain: About how many lines are saved; more where the runs have names of their own.
    """

    starts: tuple[int, ...]
    length: int
    varying: Mapping[tuple[Any, ...], tuple[tuple[int, str], ...]]
    gain: float


def best_repeat(steps: Sequence[Step], results: frozenset[Value]) -> Repeat | None:
    """Return the runs whose writing as a class saves most; None if nothing is saved.

    Args:
        steps: The steps in order.
        results: What is asked for at the end.
    """
    best: Repeat | None = None
    for length, starts, factor in _candidates(steps, results):
        least = _LEAST_GAIN if best is None else best.gain
        if factor * _gain(steps, starts, length, 0) <= least or not _whole(steps, starts, length):
            continue
        varying = _varying(steps, starts, length)
        gain = factor * _gain(steps, starts, length, len(varying))
        if gain > least:
            best = Repeat(tuple(starts), length, varying, gain)
    return best


def _candidates(
    steps: Sequence[Step], results: frozenset[Value]
) -> Iterator[tuple[int, list[int], float]]:
    """Yield lengths and starts of runs that are alike and do not overlap, and a factor of gain."""
    groups: dict[tuple[int, int], list[int]] = {}
    last = _last_readers(steps, results)
    for start in range(len(steps)):
        for length, key in _runs_from(steps, start, last):
            groups.setdefault((length, key), []).append(start)
    beginning = Counter(name for blob in _blobs(steps) for name in beginnings(blob))
    for (length, _), starts in groups.items():
        named = [s for s in starts if _is_named(steps[s : s + length], beginning)]
        for chosen, factor in ((starts, 1.0), (named, _NAMED)):
            apart = _apart(chosen, length)
            if len(apart) > 1:
                yield length, apart, factor


def _apart(starts: Sequence[int], length: int) -> list[int]:
    """Return starts of runs that do not overlap."""
    apart: list[int] = []
    for start in starts:
        if not apart or start >= apart[-1] + length:
            apart.append(start)
    return apart


def _is_named(run: Sequence[Step], beginning: Mapping[str, int]) -> bool:
    """Whether all blobs whose names begin in some way are made in a run, and no others."""
    name = blobs_name(run)
    return beginning.get(name) == len(_blobs(run))


def _last_readers(steps: Sequence[Step], results: frozenset[Value]) -> dict[Value, int]:
    last = {value: index for index, step in enumerate(steps) for value in step.inputs}
    return last | dict.fromkeys(results, len(steps))


def _runs_from(
    steps: Sequence[Step], start: int, last: Mapping[Value, int]
) -> Iterator[tuple[int, int]]:
    """Yield the lengths of the runs from `start` on that have one result, with what they are."""
    outside: dict[Value, int] = {}
    made: dict[Value, tuple[int, int]] = {}
    key = 0
    kept = 0
    for place, step in enumerate(steps[start : start + _LONGEST]):
        if step.ties or step.absent or step.lends:
            return
        entering = [value for value in step.inputs if value not in made]
        if any(value.module or _in_place(value, step) for value in entering):
            return
        wiring = [
            made.get(value) or (-1, outside.setdefault(value, len(outside)))
            for value in step.inputs
        ]
        for index, value in enumerate(step.outputs):
            made[value] = place, index
        key = hash((key, _kind(step), tuple(wiring)))
        kept += step.keeps
        end = start + place + 1
        ends = [value for value in made if last.get(value, -1) >= end]
        following = steps[end] if end < len(steps) else None
        cut = following is not None and any(_in_place(v, following) for v in following.inputs)
        if kept >= _LEAST_KEPT and len(ends) == 1 and not ends[0].module and not cut:
            yield place + 1, key


def _in_place(value: Value, step: Step) -> bool:
    """Whether a step gives a value it reads a new version: they belong together."""
    return any(made.name == value.name for made in step.outputs)


def _kind(step: Step) -> tuple[Any, ...]:
    call = step.call
    made = (call.cls, tuple(call.arguments), call.further) if call is not None else ()
    return step.template, len(step.outputs), made


def _whole(steps: Sequence[Step], starts: Sequence[int], length: int) -> bool:
    """Whether the runs share modules as a whole, or not at all."""
    place = {steps[s + i]: (s, i) for s in starts for i in range(length)}
    for start in starts:
        run = steps[start : start + length]
        used = {_used(step, i, place) for i, step in enumerate(run) if step.keeps}
        if None in used or len(used) > 1:
            return False
    return not any(
        step.reuses in place for step in steps if step not in place and step.reuses is not None
    )


def _used(step: Step, index: int, place: Mapping[Step, tuple[int, int]]) -> int | None:
    """Return whose module a step calls: a run's start, -1 for its own, None for another."""
    if step.reuses is None:
        return -1
    start, there = place.get(step.reuses, (None, -1))
    return start if there == index else None


def _varying(
    steps: Sequence[Step], starts: Sequence[int], length: int
) -> dict[tuple[Any, ...], tuple[tuple[int, str], ...]]:
    found: dict[tuple[Any, ...], list[tuple[int, str]]] = {}
    for index in range(length):
        calls = [steps[start + index].call for start in starts]
        for name in calls[0].arguments if calls[0] is not None else ():
            values = tuple(call.arguments[name] for call in calls if call is not None)
            if any(value != values[0] for value in values):
                found.setdefault(_hashable(values), []).append((index, name))
    return {values: tuple(places) for values, places in found.items()}


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, tuple | list) else value


def _gain(steps: Sequence[Step], starts: Sequence[int], length: int, parameters: int) -> float:
    """Return about how many lines a class saves."""
    lines = sum(2 if step.keeps else 1 for step in steps[starts[0] : starts[0] + length])
    each = 2 + 0.5 * parameters
    return len(starts) * (lines - each) - lines - _HEAD


def blobs_name(run: Sequence[Step]) -> str:
    """Return what the names of the blobs that a run makes have in common."""
    return common_name(_blobs(run))


def _blobs(steps: Sequence[Step]) -> list[str]:
    return [value.name for step in steps for value in step.outputs if not value.module]
