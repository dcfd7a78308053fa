"""Examples of a layer type: documentation that every backend is held to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from netdef.ir import Shape


@dataclass(frozen=True, slots=True)
class Values:
    """An input of an example: its shape and what values it may take.

    Attributes:
        shape: The shape.
        kind: "normal" for numbers of a normal distribution, "uniform" for numbers of an interval,
            "labels" for whole numbers, "marker" for zeros and ones, "rois" for rows
            [image, x1, y1, x2, y2], "fixed" for what `given` says.
        below: For labels: the least whole number that is too large.
        low: For uniform numbers: the least.
        high: For uniform numbers: the end of the interval, not in it.
        given: For fixed values: all of them, in order; over and over where the shape is larger.
        of_image: For fixed values: whether they are an image's rows, columns, and factors.
    """

    shape: Shape
    kind: str = "normal"
    below: int = 0
    low: float = 0.0
    high: float = 1.0
    given: tuple[float, ...] = ()
    of_image: bool = False


def Labels(*shape: int, below: int) -> Values:  # noqa: N802 - reads as what the input is
    """Whole numbers from 0 up to, not including, `below`, as class labels are."""
    return Values(shape, "labels", below)


def Uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Values:  # noqa: N802 - as above
    """Numbers spread evenly from `low` to `high`, as probabilities are."""
    return Values(shape, "uniform", low=low, high=high)


def Fixed(*shape: int, given: Sequence[float]) -> Values:  # noqa: N802 - as above
    """These very numbers, in order, for what no draw would make: boxes, sizes of images."""
    return Values(shape, "fixed", given=tuple(given))


def ImageInfo(*given: float) -> Values:  # noqa: N802 - as above
    """Rows and columns of one image, then the factors that it was scaled by: (1, 3) or more."""
    return Values((1, len(given)), "fixed", given=given, of_image=True)


def Marker(*shape: int) -> Values:  # noqa: N802 - as above
    """Zeros and ones, as recurrent layers' continuation markers and selectors are."""
    return Values(shape, "marker")


def Rois(count: int, images: int, size: int) -> Values:  # noqa: N802 - as above
    """Rows [image, x1, y1, x2, y2] inside images of `size` x `size` pixels."""
    return Values((count, 5), "rois", images * 10_000 + size)


@dataclass(frozen=True, slots=True)
class Example:
    """A use of a layer type.

    Attributes:
        text: The fields inside `layer { }`, without name, type, bottoms and tops.
        ins: Shapes of the bottoms, or what they are.
        outs: Shapes of the tops.
        params: Number of learnable values.
        phase: The phase it is meant for.
        random: Whether its output is drawn, so that only shapes can be compared.
    """

    text: str = ""
    ins: Sequence[Shape | Values] = field(default=())
    outs: Sequence[Shape] = field(default=())
    params: int = 0
    phase: str = "TEST"
    random: bool = False

    @property
    def inputs(self) -> tuple[Values, ...]:
        """The bottoms, each with what its values are."""
        return tuple(i if isinstance(i, Values) else Values(i) for i in self.ins)

    def prototxt(self, type: str) -> str:
        """Return the whole net: an Input layer per bottom (`in0`, ...), then the layer `example`.

        The tops are named `out0`, `out1`, and so on.
        """
        lines = [
            f'layer {{ name: "in{i}" type: "Input" top: "in{i}" input_param {{ shape {{ '
            + " ".join(f"dim: {d}" for d in values.shape)
            + " } } }"
            for i, values in enumerate(self.inputs)
        ]
        bottoms = "".join(f' bottom: "in{i}"' for i in range(len(self.ins)))
        tops = "".join(f' top: "out{i}"' for i in range(len(self.outs)))
        lines.append(f'layer {{ name: "example" type: "{type}"{bottoms}{tops} {self.text} }}')
        return "\n".join(lines) + "\n"
