"""LSTM, RNN, and why not GRU."""

from typing import Any, NoReturn

import numpy as np

from netdef.onnx_backend.importing.net_builder import Blob, Weight
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.shaping import cut, reshaped
from netdef.onnx_backend.importing.unsupported import refuse

_CELLS = {"tanh": "TanH", "relu": "ReLU", "sigmoid": "Sigmoid"}


@converts("LSTM")
def lstm(op: Operator) -> list[Blob]:
    """LSTM whose gates are put into Caffe's order, with a marker that begins every sequence.

    Only where a first state is given or the last cell is read are its states exposed, which takes
    them out of the layer: the last ones carry no gradient.
    """
    _check(op, ["sigmoid", "tanh", "tanh"])
    if op.given(7) and np.any(op.known(7, "peephole weights")):
        refuse("its peepholes have no place in Caffe's LSTM")
    if op.attribute("input_forget", 0):
        refuse("its input and forget gates are coupled")
    weights, hidden = _lstm_weights(op), op.attribute("hidden_size")
    (steps, sequences), x = op.shape()[:2], op.bottom()
    exposed = op.used(2) or any(_begins(op, index) for index in (5, 6))
    marker = np.ones((steps, sequences))
    if not exposed:
        marker[0] = 0
        tops = [op.layer("LSTM", x, op.fixed("marker", marker), weights=weights, **_size(hidden))]
    else:
        states = [_state(op, index, part) for index, part in ((5, "h_0"), (6, "c_0"))]
        bottoms = (x, op.fixed("marker", marker), *states)
        fields = {**_size(hidden), "expose_hidden": True}
        tops = op.layers("LSTM", *bottoms, tops=3, weights=weights, **fields)
    return [*_outputs(op, tops[0]), *tops[2:]]


@converts("RNN")
def rnn(op: Operator) -> list[Blob]:
    """The layers of every step, with common parameters: Caffe's RNN does not give what it keeps."""
    activation = _check(op, ["tanh"])[0]
    hidden, (steps, sequences) = op.attribute("hidden_size"), op.shape()[:2]
    matrix, recurrent, bias = _matrices(op, hidden)
    size = {"num_output": hidden, "axis": 2}
    sums = op.layer("InnerProduct", op.bottom(), weights=[matrix, bias], **size)
    inputs = op.layers("Slice", sums, tops=steps, axis=0) if steps > 1 else [sums]
    state = _state(op, 5, "h_0") if _begins(op, 5) else None
    outputs: list[Blob] = []
    for step, total in enumerate(inputs):
        if state is not None:
            product = {**size, "bias_term": False}
            kept = op.layer(
                "InnerProduct", state, weights=[recurrent], part=f"kept{step}", **product
            )
            total = op.layer("Eltwise", total, kept, part=f"sum{step}")
        state = op.layer(_CELLS[activation], total, part=f"step{step}")
        outputs.append(state)
    top = op.layer("Concat", *outputs, axis=0) if steps > 1 else outputs[0]
    return [reshaped(op, top, (steps, sequences, hidden), op.top_shape()), outputs[-1]]


@converts("GRU")
def gru(op: Operator) -> NoReturn:
    """There is none."""
    del op
    refuse("Caffe has no GRU; LSTM and RNN can be imported")


def _check(op: Operator, activations: list[str]) -> list[str]:
    """Return the activations, and refuse what Caffe's recurrent layers cannot do."""
    direction = op.attribute("direction", "forward")
    if direction != "forward":
        refuse(f"its direction is {direction}; Caffe's recurrent layers go forward only")
    if op.attribute("layout", 0):
        refuse("its batch comes first (layout 1); Caffe's recurrent layers take the time first")
    if op.attribute("clip") is not None:
        refuse("it clips what goes into its activations")
    if op.given(4) and not _whole(op):
        refuse("its sequences have lengths of their own")
    found = [name.lower() for name in op.attribute("activations") or activations]
    if found != activations and not (op.type == "RNN" and found[0] in _CELLS):
        refuse(f"its activations are {', '.join(found)}")
    return found


def _whole(op: Operator) -> bool:
    lengths = op.constant(4)
    return lengths is not None and bool(np.all(lengths == op.shape()[0]))


def _begins(op: Operator, index: int) -> bool:
    """Whether a first state is given that is not zero."""
    values = op.constant(index)
    return op.given(index) and (values is None or bool(np.any(values)))


def _state(op: Operator, index: int, part: str) -> Blob:
    shape = (1, op.shape()[1], op.attribute("hidden_size"))
    return op.bottom(index) if op.given(index) else op.fixed(part, np.zeros(shape))


def _lstm_weights(op: Operator) -> list[Weight]:
    """Return W_xc, b_c, W_hc with the rows in the order i, f, o, g; ONNX has i, o, f, g."""
    hidden = op.attribute("hidden_size")
    matrix, recurrent, bias = _matrices(op, 4 * hidden)

    def ordered(weight: Weight) -> Weight:
        i, o, f, g = np.split(weight.values, 4)
        return Weight(np.concatenate([i, f, o, g]), weight.source)

    return [ordered(matrix), ordered(bias), ordered(recurrent)]


def _matrices(op: Operator, rows: int) -> tuple[Weight, Weight, Weight]:
    """Return the matrices for the input (rows, K) and the state (rows, D), and the bias (rows,)."""
    matrix, recurrent = op.weight(1, "weight"), op.weight(2, "recurrent weight")
    bias: Any = np.zeros(rows)
    if op.given(3):
        bias = op.known(3, "bias").reshape(2, rows).sum(0)
    return (
        Weight(matrix.values[0], matrix.source),
        Weight(recurrent.values[0], recurrent.source),
        Weight(bias),
    )


def _outputs(op: Operator, top: Blob) -> list[Blob]:
    """Return ONNX's first two outputs: all steps, and the last, of (T, N, D)."""
    steps, sequences = op.shape()[:2]
    hidden = op.attribute("hidden_size")
    whole = (steps, 1, sequences, hidden)
    last = cut(op, top, steps, 0, steps - 1, steps) if op.used(1) else top
    return [reshaped(op, top, (steps, sequences, hidden), whole), last]


def _size(hidden: int) -> dict[str, Any]:
    return {"num_output": hidden}
