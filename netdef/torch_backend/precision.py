"""How exactly a net computes."""

from contextlib import AbstractContextManager, nullcontext

import torch

from netdef.source import NetdefError, error

PRECISIONS = ("fp32", "tf32", "bf16", "fp16")


def check_precision(precision: str) -> None:
    """Refuse what is not a precision.

    Raises:
        NetdefError: The name is not one of PRECISIONS.
    """
    if precision not in PRECISIONS:
        note = f"it is one of {', '.join(PRECISIONS)}"
        raise NetdefError(
            error("unknown-precision", f"`{precision}` is not a precision", note=note)
        )


def use_precision(precision: str) -> None:
    """Let the GPU round products to TF32, or not.

    torch keeps this for the whole process; its own default rounds in convolutions, ours does not.
    """
    rounded = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = rounded
    torch.backends.cudnn.allow_tf32 = rounded


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which a forward pass has the precision."""
    if precision in ("bf16", "fp16"):
        dtype = torch.bfloat16 if precision == "bf16" else torch.float16
        return torch.autocast(device.type, dtype=dtype)
    return nullcontext()
