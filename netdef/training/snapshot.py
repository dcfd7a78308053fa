"""Snapshots: the weights and the solver's state, in two files that Caffe can read too.

What Caffe's state lacks rides in fields that it ignores: the seed, how far the data was read, the
digest of the weight file, and last the digest of all bytes before it. In HDF5 the same fields are
a dataset, and the digest stands behind what HDF5 reads.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from netdef.schema import pb
from netdef.source import NetdefError, error, replacing
from netdef.weights.late_errors import late_errors

_DIGEST = hashlib.sha256
_EXTRA = "netdef"  # a dataset of an HDF5 state
_FAULTS_OF_HDF5 = (
    OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, OverflowError,
    MemoryError, DecodeError,
)  # fmt: skip
_BEST_COMPRESSION = 1032  # deflate's; a damaged size may be any, and memory is not
_MOST_AXES = 32  # of a blob of Caffe's
_SEAL = b"sha256:"  # before the digest at its end


@dataclass
class SolverState:
    """Where a run is.

    Attributes:
        iteration: Iterations done.
        histories: Per kind of history, an array per parameter of the net.
        current_step: Steps of the rate policy taken.
        weights: The file of the weights.
        extra: What Caffe's state lacks, in the fields from 1000 on; empty in one that Caffe wrote.
    """

    iteration: int
    histories: list[np.ndarray]
    current_step: int
    weights: Path
    extra: Any = field(default_factory=pb.SolverState)

    @property
    def ours(self) -> bool:
        """Whether it has more than Caffe writes, so that resuming can be exact."""
        return self.extra.HasField("random_seed")


def write_state(path: Path, state: SolverState) -> None:
    """Write a .solverstate or .solverstate.h5 file; complete, or not at all.

    Raises:
        NetdefError: The file cannot be written.
    """
    state.extra.weights_sha256 = digest_of(state.weights)
    if path.suffix == ".h5":
        _write_hdf5(path, state)
        return
    message = pb.SolverState(iter=state.iteration, current_step=state.current_step)
    message.learned_net = str(state.weights)
    message.history.extend(blob_of(array) for array in state.histories)
    # Ours first: a file that is cut off after Caffe's fields could not be told from one of Caffe's.
    body = state.extra.SerializeToString() + message.SerializeToString()
    # Written last, so that it can be checked without knowing the rest.
    tail = pb.SolverState(sha256=_DIGEST(body).digest()).SerializeToString()
    with replacing(path) as temporary:
        Path(temporary).write_bytes(body + tail)


def read_state(path: Path) -> SolverState:
    """Read a .solverstate or .solverstate.h5 file, ours or Caffe's.

    Raises:
        NetdefError: The file is missing or damaged.
    """
    if path.suffix == ".h5":
        return _read_hdf5(path)
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise _unreadable(path, fault) from None
    message = pb.SolverState()
    try:
        message.ParseFromString(raw)
    except DecodeError:
        raise _damaged(path, "it is not a solver state, or was cut off") from None
    if message.HasField("sha256"):
        tail = pb.SolverState(sha256=message.sha256).SerializeToString()
        if not raw.endswith(tail) or _DIGEST(raw[: -len(tail)]).digest() != message.sha256:
            raise _damaged(path, "its digest does not match its content")
    elif _is_ours(message):
        raise _damaged(path, "it was cut off: its digest is missing")
    elif not message.HasField("iter"):
        raise _damaged(path, "it is not a solver state")
    histories = [array_of(path, blob) for blob in message.history]
    weights = _beside(Path(_text(message.learned_net)), path)
    extra = pb.SolverState()
    extra.CopyFrom(message)
    for name in ("iter", "learned_net", "history", "current_step", "sha256"):
        extra.ClearField(name)
    return SolverState(message.iter, histories, message.current_step, weights, extra)


def check_weights(state: SolverState) -> None:
    """Hold the weight file against the digest in the state.

    If a process was killed while it replaced the file, the weights kept meanwhile may be those of
    the state: then `state.weights` is set to them.

    Raises:
        NetdefError: It cannot be read, or is not the one that the state was written with.
    """
    wanted = state.extra.weights_sha256
    if wanted:
        kept = kept_of(state.weights)
        if kept.exists() and digest_of(kept) == wanted:
            state.weights = kept
            return
    if not os.path.isfile(state.weights):
        text = f"the weights of this state, {state.weights}, are not there"
        raise NetdefError(error("missing-file", text))
    if wanted and digest_of(state.weights) != wanted:
        text = f"{state.weights} is not the file that this state was written with"
        raise NetdefError(error("bad-weight-file", text, note="its SHA-256 differs"))


def kept_of(path: Path) -> Path:
    """Return where a file of a snapshot is kept while it is replaced."""
    return path.with_name(f".kept.{path.name}")


def digest_of(path: Path) -> bytes:
    """Return the SHA-256 of a file.

    Raises:
        NetdefError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as fault:
        raise _unreadable(path, fault) from None


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


def blob_of(array: np.ndarray) -> pb.BlobProto:
    """Return an array as a message."""
    blob = pb.BlobProto()
    blob.shape.dim.extend(array.shape)
    blob.data.extend(array.ravel())
    return blob


def array_of(path: Path, blob: pb.BlobProto) -> np.ndarray:
    """Return the array that a message of the state at `path` holds.

    Raises:
        NetdefError: It has not as many values as its shape says.
    """
    values = np.array(blob.double_data or blob.data, dtype=np.float32)
    shape = tuple(blob.shape.dim)
    if not blob.HasField("shape"):
        shape = (blob.num, blob.channels, blob.height, blob.width)
    if min(shape, default=0) < 0 or len(shape) > _MOST_AXES or values.size != prod(shape):
        raise _damaged(path, f"a blob of shape {shape} has {values.size} values")
    return values.reshape(shape)


def _is_ours(message: pb.SolverState) -> bool:
    return any(field.number >= 1000 for field, _ in message.ListFields())


def _write_hdf5(path: Path, state: SolverState) -> None:
    import h5py

    with replacing(path) as temporary:
        with late_errors(temporary) as raw, h5py.File(raw, "w") as file:
            file["iter"] = np.array([state.iteration], "<i4")
            file["current_step"] = np.array([state.current_step], "<i4")
            file["learned_net"] = np.bytes_(str(state.weights).encode())
            group = file.create_group("history")
            for index, array in enumerate(state.histories):
                group.create_dataset(str(index), data=array, dtype="<f4")
            file[_EXTRA] = np.void(state.extra.SerializeToString())
        digest = digest_of(Path(temporary))
        with open(temporary, "ab") as end:
            end.write(_SEAL + digest)


def _read_hdf5(path: Path) -> SolverState:
    import h5py

    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise _unreadable(path, fault) from None
    size = len(raw) - len(_SEAL) - _DIGEST().digest_size
    sealed = raw[size:].startswith(_SEAL) if size > 0 else False
    if sealed and _DIGEST(raw[:size]).digest() != raw[size + len(_SEAL) :]:
        raise _damaged(path, "its digest does not match its content")
    try:
        with h5py.File(path, "r") as file:
            if _EXTRA in file and not sealed:
                raise _damaged(path, "it was cut off: its digest is missing")
            return _state_in_hdf5(path, file, len(raw))
    except _FAULTS_OF_HDF5 as fault:
        raise _damaged(path, f"it is not a solver state, or is damaged ({fault})") from None


def _state_in_hdf5(path: Path, file: Any, size: int) -> SolverState:
    def values(dataset: Any) -> Any:
        if prod(dataset.shape) * dataset.dtype.itemsize > size * _BEST_COMPRESSION:
            raise ValueError("its values need more bytes than can be in it")
        return dataset[()]

    extra = pb.SolverState()
    if _EXTRA in file:
        extra.ParseFromString(values(file[_EXTRA]).tobytes())
    group = file["history"]
    step = int(values(file["current_step"]).item()) if "current_step" in file else 0
    return SolverState(
        iteration=int(values(file["iter"]).item()),
        histories=[np.asarray(values(group[str(i)]), np.float32) for i in range(len(group))],
        current_step=step,
        weights=_beside(Path(_text(values(file["learned_net"]))), path),
        extra=extra,
    )


def _beside(weights: Path, state: Path) -> Path:
    """Return the weight file: first what lies beside the state, as both may have moved."""
    own = state.name.replace(".solverstate", ".caffemodel")
    places = (state.with_name(own), state.parent / weights.name, weights)
    return next((place for place in places if os.path.isfile(place)), weights)


def _text(raw: str | bytes) -> str:
    """Return a name in a file; protobuf leaves it as bytes when it is not UTF-8."""
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw


def _unreadable(path: Path, fault: OSError) -> NetdefError:
    return NetdefError(error("missing-file", f"cannot read {path}: {fault.strerror or fault}"))


def _damaged(path: Path, why: str) -> NetdefError:
    return NetdefError(error("bad-state-file", f"{path} cannot be used: {why}"))
