"""Keep the layers that the state includes."""

from typing import Any

from netdef.ir import Layer, Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, error


def filter_layers(net: Net) -> Net:
    """Drop the layers whose include and exclude rules do not fit the net's phase, level, stages.

    A layer with include rules is kept if any of them is met; with exclude rules, dropped if any is.
    """
    kept: list[Layer] = []
    dropped: list[Layer] = []
    faults: list[Diagnostic] = []
    for layer in net.layers:
        include, exclude = layer.message.include, layer.message.exclude
        if include and exclude:
            text = f"layer `{layer.name}` has both include and exclude rules"
            note = "keep one kind: include names the states that have the layer"
            place = place_of(layer, "exclude")
            faults.append(error("include-and-exclude", text, place, note=note))
        rules = include or exclude
        met = any(_meets(net, rule) for rule in rules)
        (kept if not rules or met == bool(include) else dropped).append(layer)
    return net.replace(layers=tuple(kept), dropped=tuple(dropped)).reporting(*faults)


def _meets(net: Net, rule: Any) -> bool:
    if rule.HasField("phase") and ("TRAIN", "TEST")[rule.phase] != net.phase:
        return False
    if rule.HasField("min_level") and net.level < rule.min_level:
        return False
    if rule.HasField("max_level") and net.level > rule.max_level:
        return False
    stages = set(net.stages)
    return stages.issuperset(rule.stage) and stages.isdisjoint(rule.not_stage)
