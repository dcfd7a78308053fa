"""Names to values: single assignment, in-place layers, loss weights.

A top that has the name of the bottom at its own position is made in place: it is the next version
of that name. Several layers may read one blob; in single assignment that needs no Split layer, also
where one of the readers works in place (which the reference refuses).
"""

from netdef import catalog
from netdef.contract import LayerType
from netdef.ir import Blob, Layer, Net
from netdef.passes.places import place_of
from netdef.source import Diagnostic, Label, error, warning
from netdef.source.suggest import did_you_mean

_MOST_EXPLAINED = 100
"""Unknown bottoms of one net for which a reason is looked for."""


def connect(net: Net) -> Net:
    """Give every layer its bottoms, tops and loss weights."""
    return _Connector(net).run()


class _Connector:
    def __init__(self, net: Net) -> None:
        self.net = net
        self.current: dict[str, Blob] = {}
        self.maker: dict[str, tuple[Layer, int]] = {}  # name: who made its first version, as what
        self.faults: list[Diagnostic] = []
        self.unknown = 0  # bottoms

    def run(self) -> Net:
        seen: dict[str, Layer] = {}
        layers: list[Layer] = []
        for layer in self.net.layers:
            if layer.name in seen:
                self._repeated_name(layer, seen[layer.name])
            seen.setdefault(layer.name, layer)
            layers.append(self._connect(layer))
        return self.net.replace(layers=tuple(layers)).reporting(*self.faults)

    def _connect(self, layer: Layer) -> Layer:
        kind = catalog.find(layer.type)
        bottoms = tuple(self._bottom(layer, i) for i in range(len(layer.message.bottom)))
        names = list(layer.message.top)
        if kind is not None and kind.counts_as_loss(layer.message) and not names:
            names = [layer.name]  # a loss may leave its top unnamed; the objective still counts it
        tops = tuple(self._top(layer, name, i) for i, name in enumerate(names))
        return layer.replace(
            bottoms=bottoms,
            tops=tops,
            source=kind is not None and kind.source,
            loss_weights=self._loss_weights(layer, kind, len(tops)),
        )

    def _bottom(self, layer: Layer, index: int) -> Blob:
        name = layer.message.bottom[index]
        blob = self.current.get(name)
        if blob is not None:
            return blob
        self._unknown_bottom(layer, name, index)
        return Blob(name)

    def _top(self, layer: Layer, name: str, index: int) -> Blob:
        before = self.current.get(name)
        blob = Blob(name, before.version + 1 if before else 0)
        bottoms = layer.message.bottom
        in_place = index < len(bottoms) and bottoms[index] == name
        if before is not None and not in_place:
            self._repeated_top(layer, name, index)
        self.current[name] = blob
        self.maker.setdefault(name, (layer, index))
        return blob

    def _loss_weights(self, layer: Layer, kind: LayerType | None, tops: int) -> tuple[float, ...]:
        given = tuple(layer.message.loss_weight)
        if len(given) == tops:
            return given
        if given:
            text = f"{len(given)} loss weights for {tops} tops; give one per top, or none"
            self.faults.append(error("loss-weight-count", text, place_of(layer, "loss_weight")))
        first = 1.0 if kind is not None and kind.counts_as_loss(layer.message) else 0.0
        return tuple(0.0 if i else first for i in range(tops))

    def _unknown_bottom(self, layer: Layer, name: str, index: int) -> None:
        text = f"no layer before `{layer.name}` makes its bottom `{name}`"
        labels: list[Label] = []
        self.unknown += 1
        if self.unknown > _MOST_EXPLAINED:  # the reasons take a walk through the whole net each
            self.faults.append(error("unknown-bottom", text, place_of(layer, "bottom")))
            return
        note = did_you_mean(name, self.current)
        later = self._maker_among(self.net.layers, name)
        excluded = self._maker_among(self.net.dropped, name)
        if later is not None and later[0] is layer:
            note = "it makes this blob itself, and nothing before it does: there is nothing to read"
        elif later is not None and self._depends(later[0], layer):
            labels.append(self._label(later, "made only here, from what this layer makes"))
            note = f"`{layer.name}` and `{later[0].name}` need each other: a net has no cycles"
        elif later is not None:
            labels.append(self._label(later, "made only here, later in the file"))
            note = "a layer stands after the layers whose tops it reads"
        elif excluded is not None:
            text = f"the layer that makes `{name}` is left out in this state of the net"
            label = "made here, but left out by this layer's include and exclude rules"
            labels.append(self._label(excluded, label))
            note = f"layer `{layer.name}` may need an include rule, too"
        self.faults.append(
            error("unknown-bottom", text, place_of(layer, f"bottom[{index}]"), labels, note)
        )

    def _repeated_top(self, layer: Layer, name: str, index: int) -> None:
        first, _ = made = self.maker[name]
        kind = catalog.find(layer.type)
        if kind is not None and kind.source:
            note = "if one is for training and one for testing, give each `include { phase: ... }`"
        elif first is layer:
            note = "every top of a layer needs a name of its own"
        else:
            note = "only a layer whose bottom at the same position has this name works in place"
        self.faults.append(
            error(
                "repeated-top",
                f"top `{name}` is already made by layer `{first.name}`",
                place_of(layer, f"top[{index}]"),
                [self._label(made, "first made here")],
                note,
            )
        )

    def _repeated_name(self, layer: Layer, first: Layer) -> None:
        place, other = place_of(layer, "name"), place_of(first, "name")
        labels = [Label(other, "first used here")] if other else []
        text = f"two layers are called `{layer.name}`"
        note = "weights are found by the layer's name, so only one of them can have its own"
        self.faults.append(warning("repeated-layer", text, place, labels, note))

    def _depends(self, layer: Layer, other: Layer) -> bool:
        """Whether a layer reads, by way of any others, what `other` makes."""
        makers = {top: maker for maker in self.net.layers for top in maker.message.top}
        waiting, seen = [layer], {layer}
        while waiting:
            for bottom in waiting.pop().message.bottom:
                maker = makers.get(bottom)
                if maker is other:
                    return True
                if maker is not None and maker not in seen:
                    seen.add(maker)
                    waiting.append(maker)
        return False

    def _maker_among(self, layers: tuple[Layer, ...], name: str) -> tuple[Layer, int] | None:
        for layer in layers:
            if name in layer.message.top:
                return layer, list(layer.message.top).index(name)
        return None

    def _label(self, made: tuple[Layer, int], message: str) -> Label:
        place = place_of(made[0], f"top[{made[1]}]")
        assert place is not None  # noqa: S101 - layers being connected come from a file
        return Label(place, message)
