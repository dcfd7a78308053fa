"""`netdef layers`: the list is complete, and every page tells all there is."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result
from google.protobuf.descriptor import Descriptor

import netdef
from netdef import catalog
from netdef.cli import main
from netdef.contract import ROLES, Role, documentation
from netdef.schema import pb
from netdef.schema.describe import describe
from netdef.schema.docs import doc_of

NAMES = catalog.names()
WIDTH = 100
SECTIONS = ("Fields", "Shapes", "Example", "Forks")


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    result = CliRunner().invoke(main, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def sections(name: str) -> dict[str, str]:
    """The parts of a page by their headings; "" is what stands before the first."""
    parts = {"": ""}
    for line in run("layers", name).stdout.splitlines():
        if line in SECTIONS:
            parts[line] = ""
        else:
            parts[list(parts)[-1]] += f"{line}\n"
    return parts


def words(text: str) -> str:
    """The text with all white space alike, so that where lines end does not matter."""
    return " ".join(text.split())


def own(name: str) -> Descriptor | None:
    """The type's own message."""
    kind = catalog.find(name)
    assert kind is not None
    if kind.param is None:
        return None
    return pb.LayerParameter.DESCRIPTOR.fields_by_name[kind.param].message_type


def test_every_role_is_explained() -> None:
    """In a sentence of one line."""
    assert set(ROLES) == set(get_args(Role))
    assert [doc for doc in ROLES.values() if not doc.endswith(".") or len(doc) > 80] == []


def test_every_type_is_listed_under_its_role() -> None:
    """By its names, with what it is for."""
    output = run("layers").stdout
    assert max(map(len, output.splitlines())) <= WIDTH
    blocks = {}
    for line in output.splitlines():
        if line and not line.startswith(" "):
            role = line.partition(":")[0]
            assert line == f"{role}: {ROLES[role]}"
            blocks[role] = ""
        else:
            blocks[role] += f"{line}\n"
    listed = 0
    for role, block in blocks.items():
        kinds = [kind for kind in map(catalog.find, NAMES) if kind.role == role]
        listed += len(kinds)
        for kind in kinds:
            entry = f"{', '.join(kind.names)} {documentation(kind).purpose}"
            assert words(entry) in words(block)
    assert listed == len(NAMES)


def test_list_for_programs() -> None:
    """The same as JSON."""
    roles = json.loads(run("layers", "--json").stdout)["roles"]
    names = [n for role in roles for t in role["types"] for n in (t["name"], *t["aliases"])]
    assert sorted(names, key=str.lower) == NAMES
    assert all(t["purpose"] for role in roles for t in role["types"])
    assert {role["role"]: role["doc"] for role in roles}.items() <= ROLES.items()


@pytest.mark.parametrize("name", NAMES)
def test_page_is_whole(name: str) -> None:
    """Purpose, description, the own message's fields and values, shapes, example, forks."""
    kind = catalog.find(name)
    assert kind is not None
    parts = sections(name)
    assert tuple(parts) == ("", *SECTIONS)
    head, fields = words(parts[""]), words(parts["Fields"])
    docs = documentation(kind)
    assert head.startswith(name)
    assert words(docs.purpose) in head
    assert words(docs.description) in head
    assert words(docs.forks or "No differences are known.") == words(parts["Forks"])
    for other in kind.names:
        assert other in head
    message = own(name)
    for field in describe(message) if message else ():
        several = "repeated " if field.repeated else ""
        default = "required " if field.required else f"{field.default} " if field.default else ""
        assert f"{field.name} {several}{field.type} {default}{field.doc}" in fields
        for value, doc in field.values.items():
            mark = "default " if value == field.default else ""
            assert f"{value} {mark}{doc}" in fields
    for example in kind.examples:
        assert words(example.text) in words(parts["Shapes"])
        for values in example.inputs:
            assert " x ".join(map(str, values.shape)) in parts["Shapes"]


@pytest.mark.parametrize("name", NAMES)
def test_page_fits(name: str) -> None:
    """No line is longer than a wide terminal's."""
    assert [line for line in run("layers", name).stdout.splitlines() if len(line) > WIDTH] == []


def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanings stand below the fields where they do not fit beside them."""
    monkeypatch.setattr("netdef.cli.layer_text._width", lambda: 60)
    lines = sections("BatchNorm")["Fields"].splitlines()
    assert max(map(len, lines)) <= 60
    at = lines.index("    eps                      float  1e-05")
    assert lines[at + 1] == "        Added to the variance, inside the root."


@pytest.mark.parametrize("name", NAMES)
def test_page_for_programs(name: str) -> None:
    """The same as JSON."""
    page = json.loads(run("layers", name, "--json").stdout)
    assert page["name"] == name
    assert all(page[key] is not None for key in ("purpose", "description", "forks", "examples"))
    message = own(name)
    if message is not None:
        assert page["messages"][0]["name"] == catalog.find(name).param
        fields = [field["name"] for field in page["messages"][0]["fields"]]
        assert fields == [field.name for field in message.fields]


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_documented(name: str) -> None:
    """Those of the type's own message, and of all messages shown with it."""
    page = json.loads(run("layers", name, "--json").stdout)
    for message in page["messages"]:
        assert message["doc"]
        for field in message["fields"]:
            assert field["doc"].endswith("."), field["name"]
            assert all(doc.endswith(".") for doc in field["values"].values())


@pytest.mark.parametrize("name", NAMES)
def test_example_is_sound(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page shows as an example is a net in which `netdef check` finds no error."""
    text = sections(name)["Example"]
    monkeypatch.chdir(tmp_path)
    Path("example.prototxt").write_text(text[text.index("layer {") :])
    assert f'type: "{name}"' in text
    result = run("check", "example.prototxt")
    assert result.exit_code == 0, result.output


def test_no_page_loads_anything_heavy() -> None:
    """In one process, all of them: neither torch nor numpy nor onnx."""
    program = (
        "import sys\n"
        "from netdef import catalog\n"
        "from netdef.cli.layer_page import page_of\n"
        "from netdef.cli.layer_text import page_text\n"
        "for name in catalog.names():\n"
        "    page_text(page_of(catalog.find(name)))\n"
        "print(*sorted({'torch', 'numpy', 'onnx', 'h5py', 'PIL'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_headings_stand_out_on_a_terminal() -> None:
    """There they are bold; elsewhere the text is plain."""
    assert "\x1b" not in run("layers", "Pooling").output
    result = CliRunner().invoke(main, ["layers", "Pooling"], color=True)
    assert all(f"\x1b[1m{title}\x1b[0m" in result.output for title in ("Pooling", *SECTIONS))


def test_a_name_that_is_none() -> None:
    """Another case or a slip gives the name that was meant."""
    for wrong, right in {"pooling": "Pooling", "Convolutoin": "Convolution"}.items():
        result = run("layers", wrong)
        assert result.exit_code == 1
        assert f"unknown layer type `{wrong}`" in result.stderr
        assert f"did you mean `{right}`?" in result.stderr


def test_shared_messages_are_shown_where_they_are_heeded() -> None:
    """By what the docstring names: no list of types."""
    shown = {
        name: [m["name"] for m in json.loads(run("layers", name, "--json").stdout)["messages"]]
        for name in ("SoftmaxWithLoss", "Data", "Convolution", "ReLU", "Silence")
    }
    assert shown["SoftmaxWithLoss"] == ["softmax_param", "loss_param"]
    assert shown["Data"][:2] == ["data_param", "transform_param"]
    assert shown["Convolution"] == ["convolution_param", "param", "FillerParameter"]
    assert shown["ReLU"] == ["relu_param"]
    assert shown["Silence"] == []


def test_fields_without_effect_say_so() -> None:
    """A field that no program text names does nothing; a fork's may mean something elsewhere."""
    named = {part for path in Path(netdef.__file__).parent.rglob("*.py") for part in named_in(path)}
    silent = [
        field.full_name
        for message in {own(name) for name in NAMES} - {None}
        for field in message.fields
        if field.name not in named and not excused(doc_of(field.full_name))
    ]
    assert silent == []


def excused(doc: str) -> bool:
    """Whether a field's line says that it does nothing, or that it is some fork's."""
    fork, colon, _ = doc.partition(": ")
    return "no effect" in doc or (colon != "" and fork[:1].isupper() and " " not in fork)


def named_in(path: Path) -> set[str]:
    """Attributes and texts of one word in a program; the generated messages name everything."""
    if path.name == "netdef_pb2.py":
        return set()
    nodes = list(ast.walk(ast.parse(path.read_text())))
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {part for text in texts if " " not in text for part in text.split(".")}


def test_docs_are_of_what_is_asked() -> None:
    """Messages, fields, enums, values; nothing for what the schema does not have."""
    assert doc_of("netdef.PoolingParameter") == "Settings of Pooling."
    assert doc_of("netdef.PoolingParameter.pool") == "What a window gives."
    assert doc_of("netdef.PoolingParameter.PoolMethod.AVE") == "Its mean, padding counted as 0."
    assert doc_of("netdef.Phase.TEST") == "Evaluation and inference."
    assert doc_of("netdef.Nothing") == ""
