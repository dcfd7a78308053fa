"""`netdef devices`."""

import json
from dataclasses import asdict

import click


@click.command("devices")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the CPU and the GPUs, and what they compute with.

    A device's first word is what `--device` calls it; the precisions are those of `--precision`.
    """
    import torch

    from netdef.analysis.units import show_bytes
    from netdef.torch_backend.devices import list_devices

    devices = list_devices()
    if as_json:
        fields = {"torch": torch.__version__, "cuda": torch.version.cuda}
        click.echo(json.dumps({**fields, "devices": [asdict(d) for d in devices]}, indent=2))
        return
    for device in devices:
        gpu = device.id != "cpu"
        parts = [
            device.name,
            f"{device.cores} {'multiprocessors' if gpu else 'cores'}",
            show_bytes(device.memory),
            f"compute capability {device.capability}" if gpu else device.capability,
            " ".join(device.precisions),
        ]
        click.echo(f"{device.id}: {', '.join(parts)}")
    if len(devices) == 1:
        cuda = torch.version.cuda
        why = f"for CUDA {cuda}, finds none" if cuda else "is built without CUDA"
        click.echo(f"no GPU: torch {torch.__version__} {why}")
