"""From a net for training and testing to the one that answers.

Which layers stay is decided on the typed net of phase TEST; `deploy_text` then rewrites the text.

- Layers of other phases go, and the rules that said so from those that stay.
- Data layers become Input layers; tops that nothing reads any more (labels) go.
- Losses become what they apply to their first bottom, or go; accuracies go. What they judged is an
  output then, if it was computed with parameters: the other things they read were given.
- Dropout goes, and its readers read what it read.
- Nothing stays that only layers which are gone have read.

Parameters stay, all of them, under the names of their layers: weights that were trained fit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netdef import catalog
from netdef.frontend.nodes import Document
from netdef.frontend.parse import parse
from netdef.ir import Blob, Layer, Net
from netdef.passes.connect import connect
from netdef.passes.deploy_shapes import shapes_of_inputs, shapes_written
from netdef.passes.deploy_text import Answer, Given, Kept, Plan, masked, rewrite
from netdef.passes.infer import infer
from netdef.passes.pipeline import Bound, Request, bind_document, in_order, select
from netdef.source import NetdefError, SourceFile

_BECOMES: dict[str, str | None] = {
    "SoftmaxWithLoss": "Softmax",
    "InfogainLoss": "Softmax",
    "SigmoidCrossEntropyLoss": "Sigmoid",
    "Accuracy": None,
    "ContrastiveLoss": None,
    "DetectionEvaluate": None,
    "EuclideanLoss": None,
    "HDF5Output": None,
    "HingeLoss": None,
    "MultiBoxLoss": None,
    "MultinomialLogisticLoss": None,
    "SmoothL1Loss": None,
    "SmoothL1LossOHEM": None,
    "SoftmaxWithLossOHEM": None,
}
"""What layers that judge become, by type; None: they go. So do all other types of role "loss"."""

_SILENCE = "Silence"
_ANSWER = "prob"
"""Name of what a loss becomes, and of its top."""


@dataclass(frozen=True)
class Deployed:
    """A net ready to answer, as text.

    Attributes:
        document: Its tree.
        original: The tree of the text that it was made from, without the comments of what is gone.
    """

    document: Document
    original: Document


def deploy(bound: Bound, request: Request) -> Deployed:
    """Return the net that answers.

    Args:
        bound: The net for training and testing.
        request: Its state, and the shapes of inputs by name in place of what the net says.

    Raises:
        NetdefError: The net has faults, or the shape of an input is not known.
    """
    if not bound.usable:
        raise NetdefError(bound.faults)
    net = connect(_selected(bound, request))
    judging = _Judging(net)
    plan = _Planner(judging, _typed(bound, judging, request)).plan()
    plan.shapes.update(shapes_of_inputs(plan.inputs.values(), request.shapes))
    removed = rewrite(bound.document, plan).removed
    # Comments follow what they speak of. So those of what is gone are wiped out before.
    file = bound.document.file
    original, faults = parse(SourceFile(file.path, masked(file.text, removed)))
    again = bind_document(original, faults).document
    twins = zip(bound.document.all("layer"), again.all("layer"), strict=True)
    plan = plan.moved_to({id(old): id(new) for old, new in twins})
    return Deployed(rewrite(again, plan).document, original)


def _selected(bound: Bound, request: Request) -> Net:
    """Return the layers of phase TEST; of TRAIN, if the file has data for that one only."""
    test, train = (select(bound, phase, request) for phase in ("TEST", "TRAIN"))
    fed = any(map(_is_source, test.layers)) or not any(map(_is_source, train.layers))
    return _with_answers(bound, test if fed else train)


def _with_answers(bound: Bound, net: Net) -> Net:
    """Take the losses back in that only the other phase has, but that can become an answer here."""
    order = {id(node): place for place, node in enumerate(bound.document.all("layer"))}
    tops = {top for layer in net.layers for top in layer.message.top}
    here = set(net.layers)
    made: set[str] = set()
    layers: list[Layer] = []
    for layer in sorted((*net.layers, *net.dropped), key=lambda layer: order[id(layer.node)]):
        m = layer.message
        fits = made.issuperset(m.bottom) and tops.isdisjoint(m.top)
        if layer in here or (fits and _BECOMES.get(layer.type)):
            layers.append(layer)
            made.update(m.top)
            tops.update(m.top)
    return net.replace(layers=tuple(layers))


def _typed(bound: Bound, judging: "_Judging", request: Request) -> dict[int, Layer]:
    """Return the layers that do not judge, with shapes and parameters, by the `id` of their nodes.

    Labels need not fit the shapes that are asked for: what would hold it against them is not there.
    """
    layers = tuple(layer for layer in judging.net.layers if layer not in judging.gone)
    net = judging.net.replace(layers=layers)
    shapes = {name: shape for name, shape in request.shapes.items() if name in net.inputs}
    typed = infer(net, shapes, request.probe)
    written = shapes_written(layer for layer in typed.layers if layer.source)
    if written:
        typed = infer(net, {**written, **shapes}, request.probe)
    found = [*bound.faults, *typed.diagnostics]
    if any(fault.is_error for fault in found):
        raise NetdefError(in_order(found))
    return {id(layer.node): layer for layer in typed.layers}


def _is_source(layer: Layer) -> bool:
    kind = catalog.find(layer.type)
    if kind is None:
        return bool(layer.message.top) and not layer.message.bottom
    return kind.source


class _Judging:
    """Finds what judges, and what it becomes.

    Attributes:
        net: A connected net.
        gone: The layers that judge, and those that build on their judgement.
        becomes: The types that some of them become.
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        self.gone: set[Layer] = set()
        self.becomes: dict[Layer, str] = {}
        lost: set[Blob] = set()
        for layer in net.layers:
            kind = catalog.find(layer.type)
            judges = layer.type in _BECOMES or (kind is not None and kind.role == "loss")
            builds_on = layer.type != _SILENCE and not lost.isdisjoint(layer.bottoms)
            if not judges and not builds_on:
                continue
            self.gone.add(layer)
            lost.update(layer.tops)
            form = _BECOMES.get(layer.type)
            if form and layer.bottoms and not self._has(form, layer):
                self.becomes[layer] = form
                lost.difference_update(layer.tops[1:])  # the second top is the answer itself

    def _has(self, form: str, loss: Layer) -> bool:
        """Whether the net has a layer already that does what the loss would become."""
        if len(loss.tops) > 1:
            return False
        forms = {layer: layer.type for layer in self.net.layers} | self.becomes
        return any(
            made == form and loss.bottoms[0] in layer.bottoms[:1] and _axis(layer) == _axis(loss)
            for layer, made in forms.items()
        )


class _Planner:
    """Decides what becomes of every layer."""

    def __init__(self, judging: _Judging, typed: Mapping[int, Layer]) -> None:
        self.net = judging.net
        self.gone = judging.gone
        self.becomes = judging.becomes
        self.typed = typed
        self.learned = self._learned()
        self.live = self._alive()
        self._silence()

    def plan(self) -> Plan:
        """Return the decisions, by syntax node."""
        names = _Identities(self).names()
        plan = Plan()
        for layer in self.net.layers:
            if layer not in self.live:
                continue
            silence = layer.type == _SILENCE
            plan.kept[id(layer.node)] = Kept(
                [
                    None if silence and not self._stays(b) else _name(b, names)
                    for b in layer.bottoms
                ],
                [_name(b, names) for b in layer.tops],
            )
            if _is_source(layer):
                read = [i for i, blob in enumerate(layer.tops) if self._stays(blob)]
                plan.inputs[id(layer.node)] = Given(self.typed[id(layer.node)], read)
        self._answers(plan, names)
        return plan

    def _learned(self) -> set[Blob]:
        """Return the blobs that parameters have a part in; the others are given.

        Where it is not known whether a layer has parameters, it has, unless it reads only labels.
        """
        learned: set[Blob] = set()
        labels: set[Blob] = set()
        for layer in self.net.layers:
            if layer in self.gone:
                continue
            params = self.typed[id(layer.node)].params
            if _is_source(layer):
                labels.update(layer.tops[1:])
            elif params or not learned.isdisjoint(layer.bottoms):
                learned.update(layer.tops)
            elif labels.issuperset(layer.bottoms):
                labels.update(layer.tops)
            elif params is None:
                learned.update(layer.tops)
        return learned

    def _alive(self) -> set[Layer]:
        """Return the layers that an output needs."""
        wanted = {
            blob
            for layer in self.net.layers
            if layer not in self.gone and not _is_source(layer)
            for blob in layer.tops
            if not self.net.consumers[blob]
        }
        for layer in self.net.layers:
            if layer in self.becomes:
                wanted.add(layer.bottoms[0])
            elif layer in self.gone or layer.type == _SILENCE:
                wanted.update(self.learned.intersection(layer.bottoms))
        alive: set[Layer] = set()
        for layer in reversed(self.net.layers):
            if not wanted.isdisjoint(layer.tops) and layer not in self.gone:
                alive.add(layer)
                wanted.update(layer.bottoms)
            elif layer in self.becomes and not wanted.isdisjoint(layer.tops):
                wanted.add(layer.bottoms[0])
        return alive

    def _silence(self) -> None:
        """Keep a Silence of what is still made."""
        for layer in self.net.layers:
            if layer.type == _SILENCE and any(map(self._stays, layer.bottoms)):
                self.live.add(layer)

    def _stays(self, blob: Blob) -> bool:
        """Whether a blob is still made; a source makes only what is read."""
        maker = self.net.producers[blob]
        readers = [r for r in self.readers(blob) if r.type != _SILENCE]
        return maker in self.live and (bool(readers) or not _is_source(maker))

    def readers(self, blob: Blob) -> list[Layer]:
        """Return the layers that will read a blob."""
        readers = self.net.consumers[blob]
        stay = (r for r in readers if r in self.live and r not in self.gone)
        return [*stay, *(r for r in readers if r in self.becomes and r.bottoms[0] is blob)]

    def _answers(self, plan: Plan, names: Mapping[str, str]) -> None:
        """Name what the losses become: `prob` the one that counts most, the last of equals."""
        weight = {loss: loss.loss_weights[0] if loss.loss_weights else 0 for loss in self.becomes}
        order = sorted(self.becomes, key=lambda loss: weight[loss])
        taken = {layer.name for layer in self.live} | {b.name for s in self.live for b in s.tops}
        taken |= {loss.tops[1].name for loss in self.becomes if len(loss.tops) > 1}
        for place, loss in enumerate(reversed(order)):
            top = loss.tops[1].name if len(loss.tops) > 1 else None
            name = top or (_ANSWER if not place else f"{loss.name}_{_ANSWER}")
            if top is None:
                name = _free(name if name not in taken else f"{loss.name}_{_ANSWER}", taken)
            taken.add(name)
            bottom = _name(loss.bottoms[0], names)
            plan.answers[id(loss.node)] = Answer(self.becomes[loss], name, bottom, _axis(loss))


class _Identities:
    """Finds layers that pass on what they read, and whether their readers can read that."""

    def __init__(self, planner: _Planner) -> None:
        self.planner = planner
        self.net = planner.net
        self.order = {layer: i for i, layer in enumerate(self.net.layers)}
        self.groups: dict[Blob, list[Blob]] = {}  # blobs of one value, by the first of them
        self.root: dict[Blob, Blob] = {}
        self.last = dict(self.net.blobs)  # the last version of each name, as it will be

    def names(self) -> dict[str, str]:
        """Let the identities go that can; return other names for their tops."""
        names: dict[str, str] = {}
        for layer in self.net.layers:
            if layer not in self.planner.live or not _passes_on(layer):
                continue
            (bottom,), (top,) = layer.bottoms, layer.tops
            root = self.root.get(bottom, bottom)
            if top.name != bottom.name:
                if not self._can_go(layer, root, top):
                    continue
                names[top.name] = names.get(root.name, root.name)
                if self.net.blobs[top.name] is not top:
                    self.last[root.name] = self.net.blobs[top.name]
            elif self.last[top.name] is top:
                self.last[top.name] = root
            self.root[top] = root
            self.groups.setdefault(root, [root]).append(top)
            self.planner.live.discard(layer)
        return names

    def _can_go(self, layer: Layer, root: Blob, top: Blob) -> bool:
        """Whether everything that reads the top can read the root by its name instead."""
        if self.last.get(root.name) is not root or not self.planner.readers(top):
            return False  # the name means another value later; or the top is an output
        changes = [
            self.order[reader]
            for reader in self.net.consumers[top]
            if any(blob.name == top.name for blob in reader.tops)
        ]
        if not changes:
            return True
        group = self.groups.get(root, [root])
        others = [r for blob in group for r in self.net.consumers[blob] if r is not layer]
        return all(self.order[reader] < min(changes) for reader in others)


def _name(blob: Blob, names: Mapping[str, str]) -> str:
    return names.get(blob.name, blob.name)


def _passes_on(layer: Layer) -> bool:
    """Whether a layer does nothing in phase TEST."""
    if layer.type != "Dropout" or len(layer.bottoms) != 1 or len(layer.tops) != 1:
        return False
    p = layer.message.dropout_param
    return p.scale_train and not p.sample_weights_test


def _axis(layer: Layer) -> int:
    """Return the axis that a softmax, or a loss with one, goes over."""
    if layer.type == "InfogainLoss":
        return layer.message.infogain_loss_param.axis
    return layer.message.softmax_param.axis if "Softmax" in layer.type else 1


def _free(name: str, taken: Iterable[str]) -> str:
    used = set(taken)
    number = 1
    free = name
    while free in used:
        number += 1
        free = f"{name}{number}"
    return free
