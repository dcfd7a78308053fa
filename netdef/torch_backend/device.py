"""Which device a net runs on."""

import torch

from netdef.source import NetdefError, error


def choose_device(device: str | torch.device | None) -> torch.device:
    """Return the device asked for, or a GPU when there is one, else the CPU.

    Raises:
        NetdefError: The device does not exist here, or its name means nothing.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        text = f"`{device}` is not a device"
        raise NetdefError(
            error("unknown-device", text, note="write `cpu`, `cuda` or `cuda:1`")
        ) from None
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        text = f"device `{chosen}` is not there: this machine has {found or 'no'} GPU"
        raise NetdefError(error("unknown-device", text + ("s" if found > 1 else "")))
    return chosen
