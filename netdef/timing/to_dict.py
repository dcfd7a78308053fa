"""A timing for programs."""

from typing import Any

from netdef.timing.timing import Timing


def to_dict(timing: Timing) -> dict[str, Any]:
    """Return a timing as plain data for JSON.

    Times are medians in milliseconds, shares from 0 to 1, MACs those of a forward pass over the
    whole batch. What there is not is None.
    """
    layers = [
        {
            "names": list(layer.names),
            "types": list(layer.types),
            "forward_ms": layer.forward,
            "backward_ms": layer.backward,
            "share": timing.share(layer),
            "macs": layer.macs,
            "gflops": layer.gflops,
        }
        for layer in timing.layers
    ]
    return {
        "net": timing.net,
        "phase": timing.phase,
        "batch": timing.batch,
        "device": timing.device,
        "device_name": timing.device_name,
        "precision": timing.precision,
        "engine": timing.engine,
        "compiled": timing.compiled,
        "iterations": timing.iterations,
        "layers": layers,
        "layers_ms": {"forward": timing.forward, "backward": timing.backward},
        "whole_ms": {"forward": timing.whole_forward, "backward": timing.whole_backward},
    }
