"""Batch normalisation with a learned factor and bias, as forks have it."""

from typing import Any

from netdef.contract import (
    Affine,
    Cost,
    Example,
    Instance,
    LayerType,
    Signature,
    Weight,
    constant,
    count,
    layer,
    normalized_by_batch,
)

_SEGNET = ("scale_filler", "shift_filler", "bn_mode")
_PSPNET = ("slope_filler", "bias_filler", "momentum", "eps", "frozen", "engine")
_INFERENCE = 1
_EPS = 1e-9
"""What SegNet's form adds to the variance."""


@layer("BN", "SyncBN", param="bn_param", role="normalization")
class BN(LayerType):
    """Normalise every channel, multiply it by a learned factor and add a learned bias.

    A channel is an index of axis 1 of (N, C, ...); all blobs are (1, C, 1, 1). There are two forms.

    PSPNet's: y = slope (x - mean) / sqrt(variance + eps) + bias, with the blobs slope, bias, mean
    and variance. In TRAIN mean and (biased) variance are the batch's own, and every pass moves the
    stored ones, which TEST takes, by stored = momentum stored + (1 - momentum) batch's.

    - `momentum` (0.9), `eps` (1e-5).
    - `frozen: true`: the stored statistics normalise in TRAIN, too, and nothing is learned.
    - `slope_filler`, `bias_filler`: how they start; 0 if not given. The stored mean starts at 0,
      the variance at 0, or at 1 with `frozen`.

    SegNet's: with the blobs scale and shift, by `bn_mode`,

    - LEARN (the default): y = scale (x - mean) / sqrt(variance + 1e-9) + shift, by the batch's own
      mean and biased variance in TEST, too; nothing is stored.
    - INFERENCE: y = scale x + shift, into which a script has folded the statistics.
    - `scale_filler`, `shift_filler`: how they start; 0 if not given.

    Easy to get wrong:

    - A factor without a filler starts at 0 and makes everything 0.
    - SegNet's nets train with LEARN; deployed so, results depend on what else is in the batch.
    - In TEST without `frozen`, the gradient to the bottom of PSPNet's form is that of TRAIN, as if
      the stored statistics had been the batch's. That is the fork's, and this form's here.

    Ioffe and Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift, 2015.

    Forks: SegNet and ENet have the form with two blobs; PSPNet, TSN and others that with four. The
    fields tell them apart: `scale_filler`, `shift_filler` or `bn_mode` for SegNet's; any other, or
    none, for PSPNet's, since a deployed net of SegNet's form must say `bn_mode: INFERENCE`, while
    one of PSPNet's form needs to say nothing. SyncBN is BN with statistics over all GPUs; here
    every process normalises by its own batch.
    """

    examples = (
        Example(
            "bn_param { slope_filler { value: 1 } bias_filler { value: 0 } }",
            [(2, 3, 4, 5)],
            [(2, 3, 4, 5)],
            6,
        ),
        Example(
            "bn_param { slope_filler { value: 1 } momentum: 0.8 eps: 0.001 }",
            [(4, 3, 2, 2)],
            [(4, 3, 2, 2)],
            6,
            phase="TRAIN",
        ),
        Example(
            "bn_param { slope_filler { value: 1 } frozen: true momentum: 0.95 }",
            [(2, 3, 4)],
            [(2, 3, 4)],
            phase="TRAIN",
        ),
        Example("", [(4, 6)], [(4, 6)], 12),
        Example(
            "bn_param { bn_mode: LEARN scale_filler { value: 1 } shift_filler { value: 0.001 } }",
            [(2, 3, 4, 5)],
            [(2, 3, 4, 5)],
            6,
        ),
        Example("bn_param { scale_filler { value: 1 } }", [(6, 3)], [(6, 3)], 6, phase="TRAIN"),
        Example("bn_param { bn_mode: INFERENCE }", [(2, 3, 4, 5)], [(2, 3, 4, 5)], 6),
        Example("bn_param { bn_mode: INFERENCE }", [(2, 3, 2, 2, 2)], [(2, 3, 2, 2, 2)], 6),
    )

    def signature(self, n: Instance) -> Signature:
        """The bottom's shape; two or four blobs of (1, C, 1, 1)."""
        if len(n.ins[0]) < 2:
            n.mismatch("bottom[0]", f"{n.type} takes (N, C, ...), not {len(n.ins[0])} axes")
        shape = (1, n.ins[0][1], 1, 1)
        with n.collect():
            _check_form(n)
            if n.p.eps < 0:
                n.fault("eps", f"`eps` must not be negative, but is {n.p.eps:g}")
            if not 0 <= n.p.momentum <= 1:
                n.fault("momentum", f"`momentum` must be from 0 to 1, not {n.p.momentum:g}")
        if _is_segnets(n):
            fields = (("scale", "scale_filler"), ("shift", "shift_filler"))
            return Signature([n.ins[0]], [Weight(w, shape, n.filler(f)) for w, f in fields])
        frozen = n.p.frozen
        weights = [
            Weight("slope", shape, n.filler("slope_filler"), learnable=not frozen),
            Weight("bias", shape, n.filler("bias_filler"), learnable=not frozen),
            Weight("mean", shape, learnable=False),
            Weight("variance", shape, constant(1.0 if frozen else 0.0), learnable=False),
        ]
        return Signature([n.ins[0]], weights)

    def cost(self, n: Instance) -> Cost:
        """Per element a product and a sum; two more to normalise; four more for statistics."""
        applied, normalised, measured = 2, 2, 4
        if _is_segnets(n):
            more = 0 if n.p.bn_mode == _INFERENCE else normalised + measured
        else:
            more = normalised + (0 if _stored(n) else measured)
        return Cost(other=count(n.ins[0]) * (applied + more))

    def torch(self, n: Instance, t: Any) -> Any:
        channels = n.ins[0][1]
        if _is_segnets(n):
            return t.ops.ScaleShift(channels, None if n.p.bn_mode == _INFERENCE else _EPS)
        return t.ops.BN(channels, n.p.eps, n.p.momentum, stored=_stored(n), frozen=n.p.frozen)

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """BatchNormalization by the stored statistics; by the batch's own, means and products.

        A graph has no state: there the stored ones stay.
        """
        rank, x = len(n.ins[0]), ins[0]
        if not _is_segnets(n):
            if _stored(n):
                flat = (g.op("Reshape", g.weight(w.name), g.constant([-1])) for w in n.sig.weights)
                return g.op("BatchNormalization", x, *flat, epsilon=n.p.eps)
            x = normalized_by_batch(g, x, rank, n.p.eps)
        elif n.p.bn_mode != _INFERENCE:
            x = normalized_by_batch(g, x, rank, _EPS)
        along = g.constant([-1, *[1] * (rank - 2)])
        scale, shift = (g.op("Reshape", g.weight(w.name), along) for w in n.sig.weights[:2])
        return g.op("Add", g.op("Mul", x, scale), shift)

    def affine(self, n: Instance) -> Affine | None:
        """What is applied without the batch's own statistics."""
        if _is_segnets(n):
            if n.p.bn_mode != _INFERENCE:
                return None
            return lambda weights: (weights["scale"].reshape(-1), weights["shift"].reshape(-1))
        if not _stored(n):
            return None
        eps = n.p.eps

        def factor_and_shift(weights: dict[str, Any]) -> tuple[Any, Any]:
            slope, bias, mean, variance = (
                weights[name].reshape(-1) for name in ("slope", "bias", "mean", "variance")
            )
            factor = slope * (variance + eps) ** -0.5
            return factor, bias - mean * factor

        return factor_and_shift


def _given(n: Instance, fields: tuple[str, ...]) -> list[str]:
    return [field for field in fields if n.p.HasField(field)]


def _is_segnets(n: Instance) -> bool:
    return bool(_given(n, _SEGNET))


def _stored(n: Instance) -> bool:
    """Whether the stored statistics normalise, not the batch's own."""
    return n.p.frozen or not n.training


def _check_form(n: Instance) -> None:
    segnets, pspnets = _given(n, _SEGNET), _given(n, _PSPNET)
    if segnets and pspnets:
        text = f"`{segnets[0]}` is for SegNet's form of BN, but `{pspnets[0]}` for PSPNet's"
        others = tuple(_inside(n, field) for field in (*segnets[1:], *pspnets))
        n.fault(_inside(n, segnets[0]), text, because=others)


def _inside(n: Instance, field: str) -> str:
    """Return the path to what is written in a field, the first inside a block."""
    value = getattr(n.p, field)
    fields = value.ListFields() if hasattr(value, "ListFields") else ()
    return f"{field}.{fields[0][0].name}" if fields else field
