"""The sliding window of convolutions and poolings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netdef.ir import Shape

if TYPE_CHECKING:
    from netdef.contract.instance import Instance


@dataclass(frozen=True, slots=True)
class Window:
    """Kernel, stride, padding and dilation, one entry per spatial axis."""

    kernel: Shape
    stride: Shape
    pad: Shape
    dilation: Shape

    @property
    def trivial(self) -> bool:
        """Whether every output sees one input element, at its own place."""
        ones = set(self.kernel) | set(self.stride) | set(self.dilation)
        return ones <= {1} and set(self.pad) <= {0}


def convolution_window(n: "Instance", axes: int) -> Window:
    """Read the window of a layer with ConvolutionParameter's fields.

    Kernel, stride, pad and dilation are given once for all axes or once per axis; for two axes also
    as `kernel_h` and `kernel_w`, and so on.

    Args:
        n: The layer.
        axes: Number of spatial axes.
    """
    with n.collect():
        return Window(
            _per_axis(n, "kernel_size", "kernel", axes, None, least=1),
            _per_axis(n, "stride", "stride", axes, 1, least=1),
            _per_axis(n, "pad", "pad", axes, 0, least=0),
            _per_axis(n, "dilation", None, axes, 1, least=1),
        )


def _per_axis(
    n: "Instance", name: str, pair: str | None, axes: int, default: int | None, least: int
) -> Shape:
    p = n.p
    values = tuple(getattr(p, name))
    height, width = f"{pair}_h", f"{pair}_w"
    if pair and (p.HasField(height) or p.HasField(width)):
        return _pair(n, name, height, width, axes, least)
    if not values:
        if default is None:
            n.fault(name, f"{n.type} needs `{name}`", rule="missing-field")
            return (1,) * axes
        return (default,) * axes
    if len(values) not in (1, axes):
        wanted = f"once or {axes} times (once per spatial axis)"
        text = f"`{name}` is given {len(values)} times; give it {wanted}"
        n.fault(name, text, because=("axis",))
        return (1,) * axes
    for i, value in enumerate(values):
        if value < least:
            n.fault(f"{name}[{i}]", f"`{name}` must be at least {least}, not {value}")
            return (1,) * axes
    return values if len(values) == axes else values * axes


def _pair(n: "Instance", name: str, height: str, width: str, axes: int, least: int) -> Shape:
    p = n.p
    if axes != 2:
        text = f"`{height}` and `{width}` are for two spatial axes; here are {axes}"
        n.fault(height, text, because=(width, "axis"))
        return (1,) * axes
    if len(getattr(p, name)):
        n.fault(
            name, f"give `{name}` or `{height}` and `{width}`, not both", because=(height, width)
        )
    for one in (height, width):
        if getattr(p, one) < least:
            if p.HasField(one):
                n.fault(one, f"`{one}` must be at least {least}, not {getattr(p, one)}")
            else:
                other = width if one == height else height
                n.fault(other, f"`{other}` is given, but `{one}` is missing")
            return (1, 1)
    return getattr(p, height), getattr(p, width)


def volume_window(n: "Instance") -> Window:
    """Read the window of a layer with Convolution3DParameter's fields: frames, rows, columns.

    Args:
        n: The layer.
    """
    p = n.p
    with n.collect():
        for field, least in _VOLUME:
            value = getattr(p, field)
            if value >= least:
                continue
            if p.HasField(field):
                n.fault(field, f"`{field}` must be at least {least}, not {value}")
            else:
                n.fault(field, f"{n.type} needs `{field}`", "missing-field", _misplaced(n))
    side = (p.kernel_size, p.stride, p.pad)
    depth = (p.kernel_depth, p.temporal_stride, p.temporal_pad)
    kernel, stride, pad = ((d, s, s) for d, s in zip(depth, side, strict=True))
    return Window(kernel, stride, pad, (1, 1, 1))


_VOLUME = (("kernel_size", 1), ("kernel_depth", 1), ("stride", 1), ("temporal_stride", 1))


def _misplaced(n: "Instance") -> str | None:
    if n.message.HasField("convolution_param"):
        return "in files of the current format its fields are in `convolution3d_param`"
    return None
