"""Snapshots: the weights and the solver's state, in two files that Caffe can read too.

What Caffe's state lacks rides in fields that it ignores: the seed, how far the data was read, the
digest of the weight file, and last the digest of all bytes before it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from netdef.schema import pb
from netdef.source import NetdefError, error, replacing

_DIGEST = hashlib.sha256
_DIGEST_FIELD = pb.SolverState.SHA256_FIELD_NUMBER


@dataclass
class SolverState:
    """Where a run is.

    Attributes:
        iteration: Iterations done.
        histories: Per kind of history, an array per parameter of the net.
        current_step: Steps of the rate policy taken.
        seed: The seed of the run; None in a state that Caffe wrote.
        cursor: Records read so far: of the train net, then of each test net.
        weights: The file of the weights.
        weights_sha256: Its digest, or nothing in a state that Caffe wrote.
    """

    iteration: int
    histories: list[np.ndarray]
    current_step: int
    seed: int | None
    cursor: list[int]
    weights: Path
    weights_sha256: bytes = b""


def write_state(path: Path, state: SolverState) -> None:
    """Write a .solverstate file; complete, or not at all.

    Raises:
        NetdefError: The file cannot be written.
    """
    message = pb.SolverState(
        iter=state.iteration,
        learned_net=str(state.weights),
        current_step=state.current_step,
        cursor=state.cursor,
        weights_sha256=digest_of(state.weights),
    )
    if state.seed is not None:
        message.random_seed = state.seed
    for array in state.histories:
        blob = message.history.add()
        blob.shape.dim.extend(array.shape)
        blob.data.extend(array.ravel())
    body = message.SerializeToString()
    # Written last, so that it can be checked without knowing the rest.
    tail = pb.SolverState(sha256=_DIGEST(body).digest()).SerializeToString()
    with replacing(path) as temporary:
        Path(temporary).write_bytes(body + tail)


def read_state(path: Path) -> SolverState:
    """Read a .solverstate file, ours or Caffe's.

    Raises:
        NetdefError: The file is missing or damaged.
    """
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise NetdefError(error("missing-file", f"cannot read {path}: {fault.strerror}")) from None
    message = pb.SolverState()
    try:
        message.ParseFromString(raw)
    except DecodeError:
        raise _damaged(path, "it is not a solver state, or was cut off") from None
    if message.HasField("sha256"):
        tail = pb.SolverState(sha256=message.sha256).SerializeToString()
        if not raw.endswith(tail) or _DIGEST(raw[: -len(tail)]).digest() != message.sha256:
            raise _damaged(path, "its digest does not match its content")
    elif not message.HasField("iter"):
        raise _damaged(path, "it is not a solver state")
    weights = Path(message.learned_net)
    return SolverState(
        iteration=message.iter,
        histories=[_array(path, blob) for blob in message.history],
        current_step=message.current_step,
        seed=message.random_seed if message.HasField("random_seed") else None,
        cursor=list(message.cursor),
        weights=_beside(weights, path),
        weights_sha256=message.weights_sha256,
    )


def check_weights(state: SolverState) -> None:
    """Hold the weight file against the digest in the state.

    Raises:
        NetdefError: It is missing, or is not the one that the state was written with.
    """
    if not state.weights.exists():
        text = f"the weights of this state, {state.weights}, are not there"
        raise NetdefError(error("missing-file", text))
    if state.weights_sha256 and digest_of(state.weights) != state.weights_sha256:
        text = f"{state.weights} is not the file that this state was written with"
        raise NetdefError(error("bad-weight-file", text, note="its SHA-256 differs"))


def digest_of(path: Path) -> bytes:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def histories_fit(path: Path, shapes: Sequence[tuple[int, ...]], state: SolverState) -> None:
    """Check that a state belongs to parameters of these shapes.

    Raises:
        NetdefError: The number or the sizes of the histories differ.
    """
    if len(state.histories) != len(shapes):
        text = f"{path} has {len(state.histories)} histories; this solver keeps {len(shapes)}"
        raise NetdefError(error("state-mismatch", text, note="it belongs to another net or solver"))
    for index, (array, shape) in enumerate(zip(state.histories, shapes, strict=True)):
        if array.size != int(np.prod(shape)):
            text = f"history {index} of {path} has {array.size} values; its parameter has {shape}"
            raise NetdefError(error("state-mismatch", text))


def _array(path: Path, blob: pb.BlobProto) -> np.ndarray:
    values = np.array(blob.double_data or blob.data, dtype=np.float32)
    shape = tuple(blob.shape.dim)
    if not blob.HasField("shape"):
        shape = (blob.num, blob.channels, blob.height, blob.width)
    if values.size != int(np.prod(shape)):
        raise _damaged(path, f"a history of shape {shape} has {values.size} values")
    return values.reshape(shape)


def _beside(weights: Path, state: Path) -> Path:
    """Return the weight file: first what lies beside the state, as both may have moved."""
    places = (state.with_suffix(".caffemodel"), state.parent / weights.name, weights)
    return next((place for place in places if place.exists()), weights)


def _damaged(path: Path, why: str) -> NetdefError:
    return NetdefError(error("bad-state-file", f"{path} cannot be used: {why}"))
