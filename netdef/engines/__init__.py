"""What computes a net for inference: torch as it is, folded, compiled, or onnxruntime."""

from netdef.engines.choice import (
    ENGINES,
    FREEZING,
    Engine,
    EngineName,
    engine_of,
    for_inference,
)

__all__ = ["ENGINES", "FREEZING", "Engine", "EngineName", "engine_of", "for_inference"]
