"""What a file really is, by its first bytes: for messages about files under a wrong name."""

_MAGIC = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "give it the suffix .h5"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer: the file it stands for was not downloaded",
        "fetch it with `git lfs pull`",
    ),
    (b"PK\x03\x04", "a zip archive (or a PyTorch checkpoint)", None),
    (b"\x1f\x8b", "compressed with gzip", "unpack it with `gunzip`"),
    (b"BZh", "compressed with bzip2", "unpack it with `bunzip2`"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it with `unxz`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", None),
    (b"\x93NUMPY", "a NumPy array", None),
)
_HTML = ("<!doctype", "<html", "<?xml", "<head")
_PICKLE_PROTOCOLS = range(2, 6)
HEAD = 1024
"""Bytes that `kind_of` wants to see."""


def kind_of(head: bytes) -> tuple[str, str | None] | None:
    """Return what a file that begins with `head` is ("an HDF5 file") and what to do about it.

    None when it may be anything, a protobuf message in particular.
    """
    for magic, what, note in _MAGIC:
        if head.startswith(magic):
            return what, note
    if len(head) > 1 and head[0] == 0x80 and head[1] in _PICKLE_PROTOCOLS:
        return "a Python pickle", None
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file", "give it the suffix .safetensors"
    return _text_kind(head)


def _text_kind(head: bytes) -> tuple[str, str | None] | None:
    # The last character may be cut.
    text = head.decode("utf-8", errors="ignore" if len(head) == HEAD else "replace")
    if not text.strip() or "\ufffd" in text or any(c < " " and c not in "\t\r\n\f" for c in text):
        return None
    if text.lstrip("\ufeff \t\r\n").lower().startswith(_HTML):
        return "a web page", "download the file itself"
    return "a text file (a prototxt?)", "weights are in a .caffemodel, not in a .prototxt"
