"""A bias that the BatchNorm after it takes away again."""

from collections.abc import Iterator

from netdef import catalog
from netdef.ir import Layer, Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, Label, hint


def hints(net: Net) -> Iterator[Diagnostic]:
    """Yield a hint per layer with a bias whose top only BatchNorm layers read."""
    for layer in net.layers:
        kind = catalog.find(layer.type)
        if kind is None or not kind.absorbs_affine or not _has_bias_per_channel(layer):
            continue
        readers = net.consumers[layer.tops[0]]
        if readers and all(_subtracts_mean(reader) for reader in readers):
            text = f"the bias of `{layer.name}` has no effect: BatchNorm subtracts it with the mean"
            place = place_of(readers[0], "type")
            labels = [Label(place, "normalised here")] if place else []
            yield hint(
                "bias-before-batch-norm",
                text,
                place_of(layer, "bias_term", kind.param),
                labels,
                "write `bias_term: false`; the Scale layer after BatchNorm has a bias of its own",
            )


def _has_bias_per_channel(layer: Layer) -> bool:
    bias = next((param for param in layer.params or () if param.weight == "bias"), None)
    shape = layer.tops[0].shape if layer.tops else None
    return bias is not None and bool(shape) and len(shape) > 1 and bias.shape == shape[1:2]


def _subtracts_mean(layer: Layer) -> bool:
    # One that is told to use the stored mean keeps what the bias adds.
    return layer.type == "BatchNorm" and not layer.message.batch_norm_param.use_global_stats
