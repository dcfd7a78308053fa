"""The whole source of a net."""

import builtins
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from netdef.ir import Shape
from netdef.torch_source.blocks import Block, find_blocks
from netdef.torch_source.call import ROUNDING, Call, literal
from netdef.torch_source.definitions import Imported
from netdef.torch_source.names import said
from netdef.torch_source.ops_source import OpsSource
from netdef.torch_source.step import Program, Step
from netdef.torch_source.wrap import WIDTH, wrapped
from netdef.torch_source.write_class import Layout, lay_out

_NAMES = frozenset(
    {"DTYPES", "Net", "Path", "Self", "Tensor", "json", "main", "math", "nn", "torch"}
)

_ROUNDING = f'''
def {ROUNDING}(value: float) -> float:
    """Round to 32 bits, as a Caffe net holds its numbers."""
    return torch.tensor(value).item()
'''.strip()

_LOADER = '''
def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file by name; the format needs no library."""
    content = bytearray(Path(path).read_bytes())
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    header.pop("__metadata__", None)
    tensors: dict[str, Tensor] = {}
    for name, entry in header.items():
        dtype, offset = DTYPES[entry["dtype"]], begin + entry["data_offsets"][0]
        count = math.prod(entry["shape"])
        values = torch.frombuffer(content, dtype=dtype, count=count, offset=offset)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}
'''.strip()

_LOAD = '''
    def load(self, path: str | Path) -> Self:
        """Take the weights in a safetensors file."""
        self.load_state_dict(read_safetensors(path))
        return self
'''.strip("\n")


@dataclass(frozen=True)
class Heading:
    """What the source says of where it comes from.

    Attributes:
        title: The net's name and file, as one sentence.
        weights: The name of the file of its weights.
        shapes: Sizes of its inputs, in their order.
        results: Sizes of its outputs, in their order; None where they are not known.
    """

    title: str
    weights: str
    shapes: Sequence[Shape]
    results: Sequence[Shape | None]


@dataclass(frozen=True)
class Module:
    """A net's source.

    Attributes:
        text: The source.
        paths: The paths of the modules in it, by step; a step in a block has one for each place.
    """

    text: str
    paths: Mapping[Step, str]


def write_module(program: Program, heading: Heading, exact: bool = False) -> Module:
    """Return a net as the source of a Python module that imports nothing but torch.

    Args:
        program: The net.
        heading: What to say of it.
        exact: Whether torch's own modules shall have numbers rounded to 32 bits.
    """
    return _Writer(program, heading, exact).run()


class _Writer:
    def __init__(self, program: Program, heading: Heading, exact: bool) -> None:
        self.heading = heading
        self.exact = exact
        calls = [step.call for step in program.steps if step.call is not None]
        used = dict.fromkeys(cls for call in calls for cls in _classes(call))
        self.ops = OpsSource(
            [cls for cls in used if not cls.__module__.startswith("torch.")], _taken
        )
        op_names = {self.ops.name(cls) for cls in used if not cls.__module__.startswith("torch.")}
        self.program, self.blocks = find_blocks(
            program, lambda name: _taken(name) or name in op_names
        )
        self.layouts = {block.name: self._laid_out(block) for block in self.blocks}
        named = len(self.program.outputs) > 1
        self.net = lay_out(
            self.program.steps,
            self.program.inputs,
            [(name if named else None, value) for name, value in self.program.outputs],
            exact=exact,
        )

    def run(self) -> Module:
        classes = [self._block(block) for block in self.blocks]
        body = [*classes, self._net()]
        if self.ops.imports or self.ops.text():
            body.append(_REMARK + "\n\n\n" + self.ops.text())
        if any(f"{ROUNDING}(" in part for part in body):
            body.append(_ROUNDING)
        body += [_LOADER, self._main()]
        text = "\n\n\n".join([f"{self._title()}\n\n{self._imports()}", *body]) + "\n"
        return Module(text, self._paths())

    def _laid_out(self, block: Block) -> Layout:
        outputs = [(None, block.output)]
        return lay_out(block.steps, block.inputs, outputs, block.arguments, self.exact)

    def _title(self) -> str:
        net = f"Net().load({literal(self.heading.weights)})".replace("\\", "/")
        return f'"""{said(self.heading.title)}\n\n`{net}` is the net with its weights.\n"""'

    def _imports(self) -> str:
        needed = {
            **self.ops.imports,
            "json": Imported("json"),
            "math": Imported("math"),
            "torch": Imported("torch"),
            "Path": Imported("pathlib", "Path"),
            "Self": Imported("typing", "Self"),
            "Tensor": Imported("torch", "Tensor"),
            "nn": Imported("torch", "nn"),
        }
        return _import_lines(needed)

    def _block(self, block: Block) -> str:
        layout = self.layouts[block.name]
        numbers = {name: _type(self._values(block, name)) for name in block.parameters}
        parameters = ", ".join(["self", *(f"{name}: {numbers[name]}" for name in block.parameters)])
        inputs = ", ".join(["self", *(f"{name}: Tensor" for name in layout.inputs)])
        return _class(
            block.name,
            _block_doc(block),
            wrapped(f"def __init__({parameters}) -> None:", 4),
            layout,
            [*wrapped(f"def forward({inputs}) -> Tensor:", 4)],
        )

    def _values(self, block: Block, parameter: str) -> list[Any]:
        return [
            call.arguments[parameter]
            for step in self._all_steps()
            if (call := step.call) is not None and call.cls == block.name
        ]

    def _all_steps(self) -> list[Step]:
        steps = [step for block in self.blocks for step in block.steps]
        return [*steps, *self.program.steps]

    def _net(self) -> str:
        outputs = self.program.outputs
        result = "dict[str, Tensor]" if len(outputs) > 1 else "Tensor"
        inputs = ", ".join(["self", *(f"{name}: Tensor" for name in self.net.inputs)])
        first = ["    def __init__(self) -> None:"]
        layout = self.net
        if any(_has_modes(step) for step in [*self.program.steps, *self._all_steps()]):
            note = " " * 8 + "self.eval()  # normalise by the stored statistics"
            layout = replace(layout, made=[*layout.made, note])
        head = wrapped(f"def forward({inputs}) -> {result}:", 4)
        text = _class("Net", self._net_doc(), first, layout, head)
        return f"{text}\n\n{_LOAD}"

    def _net_doc(self) -> list[str]:
        shapes, results = self.heading.shapes, self.heading.results
        made = [name for name, _ in self.program.outputs]
        given = [f"{name} {_show(s)}" for name, s in zip(self.net.inputs, shapes, strict=True)]
        found = [f"{said(name)} {_show(s)}" for name, s in zip(made, results, strict=True)]
        whole = f"Map {_listed(given)} to {_listed(found)}."
        if len(whole) + 10 <= WIDTH:
            return _docstring(whole)
        rest = ["Inputs:", *(f"    {text}" for text in given)]
        rest += ["", "Outputs:", *(f"    {text}" for text in found)]
        return _docstring("Map tensors to tensors by name.", rest)

    def _main(self) -> str:
        pairs = zip(self.net.inputs, self.heading.shapes, strict=True)
        lines = [
            "def main() -> None:",
            '    """Print the shapes of what comes of random numbers."""',
        ]
        lines.append("    net = Net()")
        lines += [
            f"    weights = Path(__file__).parent / {literal(self.heading.weights)}",
            "    if weights.exists():",
            "        net.load(weights)",
            "    with torch.no_grad():",
        ]
        made = [f"torch.rand({', '.join(map(str, shape))})" for _, shape in pairs]
        lines += wrapped(f"outputs = net({', '.join(made)})", 8)
        if len(self.program.outputs) > 1:
            lines.append("    for name, values in outputs.items():")
            lines.append("        print(name, tuple(values.shape))")
        else:
            names = [literal(name) for name, _ in self.program.outputs]
            lines.append(f"    print({', '.join(names)}, tuple(outputs.shape))")
        lines += ["", "", 'if __name__ == "__main__":', "    main()"]
        return "\n".join(lines)

    def _paths(self) -> dict[Step, str]:
        paths: dict[Step, str] = {}
        for step in self.program.steps:
            if step in self.net.attributes:
                self._follow(step, self.net.attributes[step], paths)
        return paths

    def _follow(self, step: Step, path: str, paths: dict[Step, str]) -> None:
        for index, link in enumerate(step.chain):
            self._follow(link, f"{path}.{index}", paths)
        if step.inner and step.call is not None:
            block = next(block for block in self.blocks if block.name == step.call.cls)
            attributes = self.layouts[block.name].attributes
            for own, general in zip(step.inner, block.steps, strict=True):
                if general in attributes:
                    self._follow(own, f"{path}.{attributes[general]}", paths)
        paths[step] = path


_REMARK = "# What these layers mean in Caffe is not quite what torch's own mean."


def _taken(name: str) -> bool:
    return name in _NAMES or keyword.iskeyword(name) or hasattr(builtins, name)


def _classes(call: Call) -> list[type[nn.Module]]:
    own = [] if isinstance(call.cls, str) else [call.cls]
    return [*own, *(cls for arg in call.further if isinstance(arg, Call) for cls in _classes(arg))]


def _has_modes(step: Step) -> bool:
    """Whether a module would do otherwise in training."""
    cls = step.call.cls if step.call is not None else None
    return isinstance(cls, type) and "track_running_stats" in getattr(cls, "__constants__", ())


def _type(values: Sequence[Any]) -> str:
    kinds = {type(value).__name__ for value in values}
    return "int" if kinds <= {"int"} else " | ".join(sorted(kinds))


def _class(
    name: str, doc: Sequence[str], init: Sequence[str], layout: Layout, forward: Sequence[str]
) -> str:
    lines = [f"class {name}(nn.Module):", *doc, ""]
    lines += [*init, "        super().__init__()", *layout.made, ""]
    return "\n".join([*lines, *forward, *layout.run])


def _block_doc(block: Block) -> list[str]:
    names = [said(name) for name in block.instances]
    text = f"What {_listed(names)} have in common."
    if len(text) + 10 > WIDTH:
        text = f"What {len(names)} parts of the net, {names[0]} to {names[-1]}, have in common."
    return _docstring(text)


def _listed(items: Sequence[str]) -> str:
    *most, last = items or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def _docstring(summary: str, rest: Sequence[str] = ()) -> list[str]:
    """Return a docstring of a line, or of a line and more below."""
    if not rest:
        return [f'    """{summary}"""']
    return [f'    """{summary}', "", *(f"    {line}".rstrip() for line in rest), '    """']


def _show(shape: Shape | None) -> str:
    return "of any size" if shape is None else f"({', '.join(map(str, shape))})"


def _import_lines(needed: Mapping[str, Imported]) -> str:
    """Return import statements as isort orders them: the standard library's, then torch's."""
    groups: list[list[str]] = [[], []]
    from_: dict[str, list[str]] = {}
    for name, imported in needed.items():
        place = imported.module.startswith("torch")
        if imported.name:
            from_.setdefault(imported.module, []).append(name)
        else:
            groups[place].append(f"import {imported.module}")
    for lines in groups:
        lines.sort()
    for module in sorted(from_):
        names = ", ".join(sorted(from_[module], key=lambda n: (not n.isupper(), n.islower(), n)))
        groups[module.startswith("torch")].append(f"from {module} import {names}")
    return "\n\n".join("\n".join(lines) for lines in groups if lines)
