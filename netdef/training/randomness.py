"""Random numbers that depend on a counter, not on what was drawn before.

The state of a run is its seed and its iteration, so resuming and distributing change nothing.
"""

import secrets

import torch

_WORD = 2**64 - 1


def new_seed() -> int:
    """Return a seed from the system's randomness, non-negative and below 2^63."""
    return secrets.randbits(63)


def mix(seed: int, counter: int) -> int:
    """Return a well-mixed 63-bit number of a seed and a counter.

    The finaliser of SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number
    generators, 2014).
    """
    z = (seed + (counter + 1) * 0x9E3779B97F4A7C15) & _WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
    return (z ^ (z >> 31)) >> 1


def seed_torch(seed: int, counter: int) -> None:
    """Set torch's generators, of the CPU and of every GPU in use, for the pass `counter` counts."""
    mixed = mix(seed, counter)
    # `torch.manual_seed` writes down a traceback each time for GPUs that are not in use yet.
    torch.default_generator.manual_seed(mixed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(mixed)
