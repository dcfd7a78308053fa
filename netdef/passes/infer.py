"""Shapes and parameters of every layer whose inputs are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod

from netdef import catalog
from netdef.contract import Code, Fault, LayerType, Probe, Problem, Signature, Weight
from netdef.contract.filler import filler_mismatch
from netdef.contract.of_layer import instance_of
from netdef.ir import Blob, Layer, Net, Param, Shape, show_shape
from netdef.passes.made_here import made_here
from netdef.passes.places import largest, place_of, written
from netdef.schema import pb
from netdef.source import Diagnostic, Label, Span, error, warning
from netdef.source.suggest import did_you_mean

_MOST_ELEMENTS = 2**40
"""A blob of more elements is a slip of the pen: 4 TiB as float32."""

_MOST_AXES = 32
"""The reference's own limit."""


def infer(
    net: Net,
    shapes: Mapping[str, Shape] | None = None,
    probe: Probe | None = None,
    code: Code | None = None,
) -> Net:
    """Give every blob its shape and every layer its parameters.

    A layer that cannot be inferred (its type or an input shape is unknown, or it is faulty) keeps
    `params` None and tops without shapes; what is not downstream of it is inferred all the same.

    Args:
        net: A connected net.
        shapes: Shapes of inputs by name, in place of what the file says.
        probe: Asks a data layer's source for shapes.
        code: Runs code that layers name; None where that is not allowed.
    """
    return _Inference(net, shapes or {}, probe, code).run()


class _Inference:
    def __init__(
        self, net: Net, shapes: Mapping[str, Shape], probe: Probe | None, code: Code | None
    ) -> None:
        self.net = net
        self.shapes = shapes
        self.probe = probe
        self.code = code
        self.done: list[Layer] = []
        self.typed: dict[Blob, Blob] = {}
        self.shared: dict[str, tuple[Param, Layer]] = {}
        self.faults: list[Diagnostic] = []

    def run(self) -> Net:
        for name in sorted(set(self.shapes) - set(self.net.inputs)):
            known = ", ".join(self.net.inputs) or "none"
            text = f"a shape is given for `{name}`, which is not an input of the net"
            note = did_you_mean(name, self.net.inputs) or f"its inputs: {known}"
            self.faults.append(error("unknown-input", text, note=note))
        for layer in self.net.layers:
            self.done.append(self._infer(layer))
        return self.net.replace(layers=tuple(self.done)).reporting(*self.faults)

    def _infer(self, layer: Layer) -> Layer:
        layer = layer.replace(
            bottoms=tuple(self.typed.get(b, b) for b in layer.bottoms),
            trusted=layer.trusted or self.code is not None,
        )
        kind = catalog.find(layer.type)
        if kind is None:
            self._unknown_type(layer)
            return self._finish(layer, None, [None] * len(layer.tops))
        if layer.faulty:
            return self._finish(layer, kind, [None] * len(layer.tops))
        fits = self._arity(layer, "bottom", len(layer.bottoms), kind.bottoms)
        fits &= self._arity(layer, "top", len(layer.tops), kind.tops)
        if not fits or any(b.shape is None for b in layer.bottoms):
            layer = layer.replace(faulty=not fits)
            return self._finish(layer, kind, [None] * len(layer.tops))
        signature = self._signature(layer, kind)
        if signature is None:
            return self._finish(layer.replace(faulty=True), kind, [None] * len(layer.tops))
        tops = self._checked_tops(layer, signature)
        if any(a is None and b is not None for a, b in zip(tops, signature.tops, strict=True)):
            layer = layer.replace(faulty=True)
        layer = layer.replace(params=self._params(layer, signature.weights))
        return self._finish(layer, kind, tops)

    def _finish(self, layer: Layer, kind: LayerType | None, shapes: list[Shape | None]) -> Layer:
        dynamic = any(b.dynamic for b in layer.bottoms) or (kind is not None and kind.dynamic)
        tops: list[Blob] = []
        for blob, shape in zip(layer.tops, shapes, strict=True):
            if layer.source:
                shape = self.shapes.get(blob.name, shape)
                if shape is None and not layer.faulty:
                    self._unknown_source(layer, blob)
            self.typed[blob] = Blob(blob.name, blob.version, shape, dynamic)
            tops.append(self.typed[blob])
        return layer.replace(tops=tuple(tops))

    def _signature(self, layer: Layer, kind: LayerType) -> Signature | None:
        own = catalog.own_message(kind, layer.message)
        instance = instance_of(layer, own, self.probe, self.code)
        try:
            signature = kind.signature(instance)
        except Fault as fault:
            self.faults += [self._said(error, layer, kind, p) for p in fault.problems]
            return None
        self.faults += [self._said(warning, layer, kind, p) for p in signature.warnings]
        return signature

    def _said(
        self, make: Callable[..., Diagnostic], layer: Layer, kind: LayerType, problem: Problem
    ) -> Diagnostic:
        place = place_of(layer, problem.path, kind.param)
        labels = self._made_here(layer, problem)
        for path in problem.because:
            span = written(layer, path, kind.param)
            if span is not None and span != place:
                labels.append(Label(span, f"`{path.rpartition('.')[2]}` is given here"))
        return make(problem.rule, problem.message, place, labels, problem.note)

    def _made_here(self, layer: Layer, problem: Problem) -> list[Label]:
        """Label where the bottoms that a fault speaks of were made."""
        indices = [] if problem.bottom is None else [problem.bottom]
        if problem.path.startswith("bottom["):
            indices.append(int(problem.path[7:-1]))
            if problem.rule == "shape-mismatch":
                indices.append(0)  # what the others have to fit
        blobs = dict.fromkeys(layer.bottoms[index] for index in indices)
        labels = [made_here(blob, self.done) for blob in blobs]
        return [label for label in labels if label is not None]

    def _checked_tops(self, layer: Layer, signature: Signature) -> list[Shape | None]:
        shapes = [None if s is None else tuple(int(d) for d in s) for s in signature.tops]
        for index, shape in enumerate(shapes):
            if shape is None:
                continue
            if not self._in_range(layer, shape, f"top `{layer.tops[index].name}`"):
                shapes[index] = None
        return shapes

    def _in_range(self, layer: Layer, shape: Shape, what: str) -> bool:
        if len(shape) > _MOST_AXES:
            text = f"{what} would have {len(shape):,} axes; there can be {_MOST_AXES}"
            self.faults.append(error("too-large", text, place_of(layer)))
            return False
        if any(size < 0 for size in shape):
            text = f"{what} would have the shape {show_shape(shape)}"
            self.faults.append(error("shape-mismatch", text, place_of(layer)))
            return False
        elements = prod(shape)
        if elements > _MOST_ELEMENTS:
            text = f"{what} would have {elements:,} elements"
            self.faults.append(error("too-large", text, largest(layer) or place_of(layer)))
        return elements <= _MOST_ELEMENTS

    def _arity(self, layer: Layer, field: str, given: int, wanted: int | range) -> bool:
        allowed = range(wanted, wanted + 1) if isinstance(wanted, int) else wanted
        if given in allowed:
            return True
        span = allowed.start
        most = allowed.stop - 1
        number = f"{span}" if most == span else f"at least {span}"
        if span < most < 1000:
            number = f"{span} to {most}"
        plural = "" if number == "1" else "s"
        text = f"{layer.type} takes {number} {field}{plural}, but `{layer.name}` has {given}"
        place = place_of(layer, f"{field}[{most}]" if given > most else "type")
        self.faults.append(error(f"{field}-count", text, place))
        return False

    def _params(self, layer: Layer, weights: Sequence[Weight]) -> tuple[Param, ...] | None:
        specs = layer.message.param
        if len(specs) > len(weights):
            has = f"{len(weights) or 'no'} parameter{'s' if len(weights) != 1 else ''}"
            blocks = f"{len(specs)} `param` block{'s' if len(specs) > 1 else ''}"
            text = f"`{layer.name}` has {has}, but {blocks}"
            place = place_of(layer, f"param[{len(weights)}]")
            self.faults.append(error("param-count", text, place))
        params: list[Param] = []
        for index, weight in enumerate(weights):
            spec = specs[index] if index < len(specs) else pb.ParamSpec()
            if not self._in_range(layer, tuple(weight.shape), f"parameter {index}"):
                return None
            mismatch = filler_mismatch(weight.filler, tuple(weight.shape))
            if mismatch is not None:
                self.faults.append(error("bad-filler", mismatch, self._filler(layer, weight)))
            params.append(self._share(layer, self._param(layer, index, weight, spec), spec))
        return tuple(params)

    def _param(self, layer: Layer, index: int, weight: Weight, spec: pb.ParamSpec) -> Param:
        return Param(
            weight=weight.name,
            shape=tuple(weight.shape),
            filler=weight.filler,
            layer=layer.name,
            index=index,
            name=spec.name,
            learnable=weight.learnable,
            lr_mult=spec.lr_mult if weight.learnable else 0.0,
            decay_mult=spec.decay_mult if weight.learnable else 0.0,
        )

    def _share(self, layer: Layer, param: Param, spec: pb.ParamSpec) -> Param:
        """Make `param` the one that was first given its name, if it has one."""
        if not param.name:
            return param
        if param.name not in self.shared:
            self.shared[param.name] = param, layer
            return param
        owner, first = self.shared[param.name]
        permissive = spec.share_mode == pb.ParamSpec.PERMISSIVE
        fits = param.count == owner.count if permissive else param.shape == owner.shape
        if not fits:
            text = (
                f"parameter `{param.name}` has the shape {show_shape(param.shape)} here, "
                f"but {show_shape(owner.shape)} in `{first.name}`"
            )
            note = None if permissive else "`share_mode: PERMISSIVE` asks only for equal counts"
            self._sharing_fault("shape-mismatch", layer, param, first, owner, text, note)
        for field in ("lr_mult", "decay_mult"):
            # The reference takes a factor from whichever sharer sets it, and all must agree.
            theirs = getattr(owner, field)
            if spec.HasField(field) and getattr(param, field) != theirs:
                text = f"`{field}` of the shared parameter `{param.name}` is {theirs:g} elsewhere"
                self._sharing_fault("param-conflict", layer, param, first, owner, text, None)
        return replace(param, owner=owner, lr_mult=owner.lr_mult, decay_mult=owner.decay_mult)

    def _sharing_fault(
        self,
        rule: str,
        layer: Layer,
        param: Param,
        first: Layer,
        owner: Param,
        text: str,
        note: str | None,
    ) -> None:
        place = place_of(layer, f"param[{param.index}]")
        other = place_of(first, f"param[{owner.index}]")
        labels = [Label(other, "first named here")] if other else []
        self.faults.append(error(rule, text, place, labels, note))

    def _filler(self, layer: Layer, weight: Weight) -> Span | None:
        """Return where the filler of a weight is written."""
        kind = catalog.find(layer.type)
        own = catalog.own_message(kind, layer.message) if kind else layer.message
        for field, value in own.ListFields():
            if value == weight.filler:
                return place_of(layer, f"{field.name}.type", kind.param if kind else None)
        return place_of(layer)

    def _unknown_type(self, layer: Layer) -> None:
        place = place_of(layer, "type")
        if not layer.type:
            if not layer.faulty:  # else its type may be what is at fault
                text = f"layer `{layer.name}` has no type"
                note = 'write `type: "Convolution"`, for example; `netdef layers` lists the types'
                self.faults.append(error("missing-field", text, place, note=note))
            return
        text = f"unknown layer type `{layer.type}`"
        slip = catalog.slip_of(layer.type)
        if slip is not None:
            note = f"did you mean `{slip}`?"
            self.faults.append(error("unknown-layer-type", text, place, note=note))
            return
        near = " or ".join(f"`{name}`" for name in catalog.near(layer.type))
        note = "its tops, and what depends on them, stay without shapes"
        note = f"did you mean {near}? Otherwise {note}" if near else note
        self.faults.append(warning("unknown-layer-type", text, place, note=note))

    def _unknown_source(self, layer: Layer, blob: Blob) -> None:
        kind = catalog.find(layer.type)
        place = place_of(layer, "source", kind.param if kind else None)
        text = f"the shape of `{blob.name}` is not known: layer `{layer.name}` has no data to read"
        own = catalog.own_message(kind, layer.message).DESCRIPTOR if kind else None
        if own is not None and "source" not in own.fields_by_name:
            text = f"the shape of `{blob.name}` is not given"
        note = f"give it with --shape {blob.name}=N,C,H,W"
        self.faults.append(warning("missing-source", text, place, note=note))
