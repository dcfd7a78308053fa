"""V0: `layers { layer { type: "conv" kernelsize: 5 } bottom: "x" }` to the V1 form."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from netdef.frontend.nodes import Block, Node, Scalar
from netdef.frontend.upgrade.tree import (
    Log,
    block,
    flat,
    items_of,
    renamed,
    scalar,
    text_of,
    value_span,
)
from netdef.frontend.upgrade.v0_padding import fold_padding
from netdef.schema import pb
from netdef.schema.lookup import fields as fields_of
from netdef.schema.lookup import is_repeated
from netdef.source import Label, error, warning
from netdef.source.suggest import did_you_mean, near_names


class _Type(NamedTuple):
    """What a V0 type has become: its V1 name, its block, and the block's fields by V0 name."""

    name: str
    block: str = ""
    fields: Mapping[str, str] = {}


def v1_type(name: str) -> str:
    """Return the V1 name of a V0 type; one that is not known stays as it is."""
    return _TYPES[name].name if name in _TYPES else name


_DATA = {"source": "source", "batchsize": "batch_size"}
_FILLED = {
    "num_output": "num_output",
    "biasterm": "bias_term",
    "weight_filler": "weight_filler",
    "bias_filler": "bias_filler",
}
_WINDOW = {"pad": "pad", "kernelsize": "kernel_size", "stride": "stride"}
_TYPES: Mapping[str, _Type] = {
    "accuracy": _Type("ACCURACY"),
    "bnll": _Type("BNLL"),
    "concat": _Type("CONCAT", "concat_param", {"concat_dim": "concat_dim"}),
    "conv": _Type("CONVOLUTION", "convolution_param", {**_FILLED, **_WINDOW, "group": "group"}),
    "data": _Type("DATA", "data_param", {**_DATA, "rand_skip": "rand_skip"}),
    "dropout": _Type("DROPOUT", "dropout_param", {"dropout_ratio": "dropout_ratio"}),
    "euclidean_loss": _Type("EUCLIDEAN_LOSS"),
    "flatten": _Type("FLATTEN"),
    "hdf5_data": _Type("HDF5_DATA", "hdf5_data_param", _DATA),
    "hdf5_output": _Type("HDF5_OUTPUT"),
    "im2col": _Type("IM2COL"),
    "images": _Type(
        "IMAGE_DATA",
        "image_data_param",
        {
            **_DATA,
            "rand_skip": "rand_skip",
            "shuffle_images": "shuffle",
            "new_height": "new_height",
            "new_width": "new_width",
        },
    ),
    "infogain_loss": _Type("INFOGAIN_LOSS", "infogain_loss_param", {"source": "source"}),
    "innerproduct": _Type("INNER_PRODUCT", "inner_product_param", _FILLED),
    "lrn": _Type(
        "LRN",
        "lrn_param",
        {"local_size": "local_size", "alpha": "alpha", "beta": "beta", "k": "k"},
    ),
    "multinomial_logistic_loss": _Type("MULTINOMIAL_LOGISTIC_LOSS"),
    "pool": _Type("POOLING", "pooling_param", {**_WINDOW, "pool": "pool"}),
    "relu": _Type("RELU"),
    "sigmoid": _Type("SIGMOID"),
    "softmax": _Type("SOFTMAX"),
    "softmax_loss": _Type("SOFTMAX_LOSS"),
    "split": _Type("SPLIT"),
    "tanh": _Type("TANH"),
    "window_data": _Type(
        "WINDOW_DATA",
        "window_data_param",
        {
            **_DATA,
            "det_fg_threshold": "fg_threshold",
            "det_bg_threshold": "bg_threshold",
            "det_fg_fraction": "fg_fraction",
            "det_context_pad": "context_pad",
            "det_crop_mode": "crop_mode",
        },
    ),
}
_TRANSFORM = {
    "scale": "scale",
    "meanfile": "mean_file",
    "cropsize": "crop_size",
    "mirror": "mirror",
}
_OF_ALL = ("name", "blobs", "blobs_lr", "weight_decay")


def upgrade_v0(fields: list[Node], log: Log) -> list[Node]:
    """Return the fields of a net, its V0 `layers` in the V1 form."""
    layers = [item for node in fields if node.name == "layers" for item in items_of(node)]
    first = next((layer for layer in layers if _is_v0(layer)), None)
    if first is None:
        return fields
    log.did("V0 `layer` inside `layers` to V1")
    other = next((layer for layer in layers if not _is_v0(layer)), None)
    if other is not None:
        text = "the file has `layers` of the V0 format and of the V1 format"
        labels = [Label(first.name_span, "this one is V0, with a `layer` inside")]
        log.faults.append(error("mixed-formats", text, other.name_span, labels))
    result: list[Node] = []
    for node in fields:
        result += items_of(node) if node.name == "layers" else [node]
    return [
        _layer(node, log) if isinstance(node, Block) and _is_v0(node) else node
        for node in fold_padding(result, log)
    ]


def _is_v0(node: Node) -> bool:
    return isinstance(node, Block) and any(field.name == "layer" for field in node.fields)


def _layer(old: Block, log: Log) -> Block:
    """Return a layer in the V1 form: the fields of its inner block, then bottoms and tops."""
    inner: Block | None = None
    joints: list[Node] = []
    for node in flat(old.fields):
        if node.name in ("bottom", "top"):
            joints.append(node)
        elif node.name != "layer":
            text = (
                f"`{node.name}` does not belong here: V0 has only `bottom` and `top` beside `layer`"
            )
            log.faults.append(error("mixed-formats", text, node.name_span))
        elif not isinstance(node, Block):
            text = "`layer` is a block of fields here"
            log.faults.append(error("wrong-type", text, node.value_span))
        elif inner is not None:
            labels = [Label(inner.name_span, "first given here")]
            text = "`layer` is given twice"
            log.faults.append(error("repeated-field", text, node.name_span, labels))
        else:
            inner = node
    fields = _Fields(inner, log).result if inner is not None else []
    heads = [node for node in fields if node.name in ("name", "type")]
    rest = [node for node in fields if node.name not in ("name", "type")]
    return block("layers", [*heads, *joints, *rest], old)


class _Fields:
    """The fields of one V0 `layer` block, in the V1 form."""

    def __init__(self, inner: Block, log: Log) -> None:
        self.log = log
        self.result: list[Node] = []
        self._blocks: dict[str, Block] = {}
        self._type = text_of(inner.first("type"))
        self._kind = _TYPES.get(self._type, _Type(""))
        for node in self._sound(inner):
            if node.name == "type":
                self.result.append(self._type_field(node))
            else:
                self._place(node)

    def _sound(self, inner: Block) -> list[Scalar | Block]:
        """Return the fields that V0 has, singular ones once."""
        known = fields_of(pb.V0LayerParameter.DESCRIPTOR)
        seen: dict[str, Node] = {}
        sound: list[Scalar | Block] = []
        for node in flat(inner.fields):
            name = node.name
            if name not in known:
                if name and not self.log.faults.full:
                    text = f"V0LayerParameter has no field `{name}`"
                    note = did_you_mean(name, known)
                    self._error("unknown-field", text, node, note=note)
            elif name in seen and not is_repeated(known[name]):
                labels = [Label(seen[name].name_span, "first given here")]
                self._error("repeated-field", f"`{name}` is given twice", node, labels)
            else:
                seen[name] = node
                sound.append(node)
        return sound

    def _type_field(self, node: Scalar | Block) -> Node:
        name = self._kind.name
        if isinstance(node, Block) or node.raw[:1] not in ("'", '"'):
            text = "the type of a V0 layer is a string"
            self.log.faults.append(error("wrong-type", text, value_span(node)))
        elif not name and self._type != "padding":  # a faulty one, which has been reported
            text = f"`{self._type}` is not a layer type of the V0 format"
            note = None if self.log.faults.full else did_you_mean(self._type, _TYPES)
            self.log.faults.append(error("unknown-layer-type", text, value_span(node), note=note))
            meant = near_names(self._type, _TYPES, 1) if note else []
            name = _TYPES[meant[0]].name if meant else ""
        return scalar("type", name or self._type, node)

    def _place(self, node: Scalar | Block) -> None:
        if node.name in _OF_ALL:
            self.result.append(node)
        elif node.name in self._kind.fields:
            self._into(self._kind.block, renamed(node, self._kind.fields[node.name]))
        elif node.name in _TRANSFORM:
            self._into("transform_param", renamed(node, _TRANSFORM[node.name]))
        elif node.name == "hdf5_output_param" and self._type == "hdf5_output":
            self.result.append(node)
        elif self._kind.name:
            text = f"`{node.name}` does nothing in a V0 layer of type `{self._type}`"
            self.log.faults.append(warning("ignored-field", text, node.name_span))

    def _into(self, name: str, node: Node) -> None:
        if name not in self._blocks:
            self._blocks[name] = block(name, [], node)
            self.result.append(self._blocks[name])
        self._blocks[name].fields.append(node)

    def _error(
        self,
        rule: str,
        text: str,
        node: Node,
        labels: Iterable[Label] = (),
        note: str | None = None,
    ) -> None:
        self.log.faults.append(error(rule, text, node.name_span, labels, note))
