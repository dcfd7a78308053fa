"""Numbers and shapes as people read them."""

from netdef.ir import Shape

UNKNOWN = "unknown"


def show_name(name: str) -> str:
    """Return a name from a file on one line: characters that no text should hold are replaced."""
    return "".join(map(_printable, name))


def _printable(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the picture of a control character
    unfit = 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF)
    return "\N{REPLACEMENT CHARACTER}" if unfit else character


def show_number(value: float | None) -> str:
    """Return a count with thousands separated; one decimal where it is not whole."""
    if value is None:
        return UNKNOWN
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def show_bytes(value: float | None) -> str:
    """Return a size with its unit: 45.0 KiB, say."""
    if value is None:
        return UNKNOWN
    if value < 1024:
        return f"{show_number(value)} B"
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:,.1f} TiB"


def show_shape(shape: Shape | None, dynamic: bool = False) -> str:
    """Return a shape as it is written in tables and drawings: 64 x 20 x 24 x 24.

    Args:
        shape: The shape; None is "unknown", and one without axes "scalar".
        dynamic: Whether it is an upper bound.
    """
    if shape is None:
        return UNKNOWN
    text = " x ".join(map(str, shape)) or "scalar"
    return f"up to {text}" if dynamic else text
