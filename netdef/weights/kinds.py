"""What a file really is, by its first bytes: for messages about files under a wrong name."""

from netdef.weights.wire import LEN, VARINT, Malformed, Overrun, fields

_MAGIC = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "give it the suffix .h5"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer: the file it stands for was not downloaded",
        "fetch it with `git lfs pull`",
    ),
    (b"\x1f\x8b", "compressed with gzip", "unpack it with `gunzip`"),
    (b"BZh", "compressed with bzip2", "unpack it with `bunzip2`"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it with `unxz`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", None),
    (b"\x93NUMPY", "a NumPy array", None),
)
_ZIP = b"PK\x03\x04"
_ZIP_NAME, _ZIP_NAME_LENGTH = 30, slice(26, 28)
_HTML = ("<!doctype", "<html", "<?xml", "<head")
_PICKLE_PROTOCOLS = range(2, 6)
_ONNX_VERSION, _ONNX_GRAPH = 1, 7
_ONNX_VERSIONS = range(3, 50)
_ITERATION, _LEARNED_NET = 1, 2
HEAD = 1024
"""Bytes that `kind_of` wants to see."""

Kind = tuple[str, str | None]
"""What a file is ("an HDF5 file"), and what to do about it."""


def kind_of(head: bytes) -> Kind | None:
    """Return what a file that begins with `head` is.

    None when it may be anything, a protobuf message in particular.
    """
    for magic, what, note in _MAGIC:
        if head.startswith(magic):
            return what, note
    if head.startswith(_ZIP):
        return _zip_kind(head)
    if len(head) > 1 and head[0] == 0x80 and head[1] in _PICKLE_PROTOCOLS:
        return "a Python pickle (or an old PyTorch checkpoint)", None
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file", "give it the suffix .safetensors"
    return _text_kind(head) or _message_kind(head)


def _zip_kind(head: bytes) -> Kind:
    length = int.from_bytes(head[_ZIP_NAME_LENGTH], "little")
    name = head[_ZIP_NAME : _ZIP_NAME + length]
    if name.endswith(b".npy"):
        return "a zip archive of NumPy arrays", "give it the suffix .npz"
    if name.endswith((b"/data.pkl", b"/byteorder", b"/version")):
        return "a PyTorch checkpoint", "in Python, write its tensors with safetensors"
    return "a zip archive (or a PyTorch checkpoint)", None


def _text_kind(head: bytes) -> Kind | None:
    # The last character may be cut.
    text = head.decode("utf-8", errors="ignore" if len(head) == HEAD else "replace")
    if not text.strip() or "\ufffd" in text or any(c < " " and c not in "\t\r\n\f" for c in text):
        return None
    if text.lstrip("\ufeff \t\r\n").lower().startswith(_HTML):
        return "a web page", "download the file itself"
    return "a text file (a prototxt?)", "weights are in a .caffemodel, not in a .prototxt"


def _message_kind(head: bytes) -> Kind | None:
    """Tell other messages of protobuf by the fields they begin with."""
    numbers: dict[int, int] = {}
    texts: dict[int, bytes] = {}
    last = 0
    try:
        for number, kind, _, start, end in fields(head, 0, len(head)):
            if kind == VARINT:
                numbers.setdefault(number, start)
            elif kind == LEN:
                texts.setdefault(number, head[start:end])
    except Overrun as fault:  # the head is only the beginning
        last = fault.number
    except Malformed:
        return None
    if numbers.get(_ONNX_VERSION) in _ONNX_VERSIONS and _ONNX_GRAPH in (last, *texts):
        return "an ONNX model", "`netdef import` turns it into a prototxt and weights"
    learned = texts.get(_LEARNED_NET, b"")
    if _ITERATION in numbers and learned.endswith((b".caffemodel", b".h5")):
        name = learned.decode("utf-8", "replace")
        return "a solver's state (.solverstate)", f"the weights that belong to it are in `{name}`"
    return None
