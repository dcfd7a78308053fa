"""Where a number that is none came from."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from netdef.ir import Param
from netdef.passes.places import place_of
from netdef.source import Diagnostic, NetdefError, Span, error
from netdef.torch_backend.executable import Executable


@torch.no_grad()
def explain_divergence(
    model: Executable, batch: Mapping[str, Tensor], iteration: int
) -> Diagnostic:
    """Return the error that names the first layer with a value that is NaN or infinite.

    In the order of the net, a parameter before what is computed with it.

    Args:
        model: The net that is trained.
        batch: What its pass was fed.
        iteration: The iteration of the pass.
    """
    values = model.trace(batch)
    for layer in model.net.layers:
        for param in layer.params or ():
            if _is_bad(model.tensor_of(param)):
                text = f"the parameter {param.weight} of layer `{layer.name}`"
                note = "its update went wrong: a lower base_lr or clip_gradients may help"
                return _error(iteration, text, note, place_of(layer))
        for index, top in enumerate(layer.tops):
            if _is_bad(values[top]):
                text = f"the top `{top.name}` of layer `{layer.name}`"
                return _error(iteration, text, None, place_of(layer, f"top[{index}]"))
    return _error(iteration, "what cannot be seen any more", None, None)


def _is_bad(values: Tensor) -> bool:
    return not bool(torch.isfinite(values).all())


def _error(iteration: int, where: str, note: str | None, place: Span | None) -> Diagnostic:
    text = f"NaN or infinity in iteration {iteration}, first in {where}"
    return error("diverged", text, place, note=note)


def refuse_what_is_not_finite(model: Executable, params: Sequence[Param], iteration: int) -> None:
    """Keep parameters from being written that are of no use.

    Args:
        model: The net that was trained.
        params: Its parameters.
        iteration: Iterations done.

    Raises:
        NetdefError: One of them is NaN or infinite.
    """
    for param in params:
        if not bool(torch.isfinite(model.tensor_of(param)).all()):
            text = (
                f"the parameter {param.weight} of layer `{param.layer}` became NaN or infinite "
                f"in iteration {iteration - 1}; no snapshot is written"
            )
            raise NetdefError(error("diverged", text))
