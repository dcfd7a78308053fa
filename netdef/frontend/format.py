"""The canonical layout of a prototxt.

- Two spaces of indentation; one field per line; `name: value`, `name {`; no separators but the
  commas of lists; strings in double quotes unless that would need escapes.
- A block stays on one line if it was on one line, has no comments inside and ends within 100
  columns. Any other is spread. A list is on one line whenever that is possible.
- A comment stays where it was: above, two spaces behind, after an opening bracket, before a closing
  one. One that stood within a field goes above it.
- Runs of blank lines become one; none is at the start or the end of a block or of the file.

Values are never touched: numbers keep their digits, strings what is between their quotes.
"""

import re
from collections.abc import Iterator

from netdef.frontend.comments import STRING_OR_COMMENT, Joint, Notes, children, notes_of
from netdef.frontend.nodes import Block, Document, ListField, Node, Scalar

_WIDTH = 100
_STEP = 2
_MOST_LEVELS = 40
"""Deeper blocks are not indented further, or the spaces of a deep file would fill the memory."""

_NO_QUOTE = re.compile(r'(?:[^"\\]++|\\.)*+\Z', re.DOTALL)
_MINUS_APART = re.compile(r"-(?:[ \t\n\v\f\r]++|#[^\n]*+)++")
_NOTHING = Notes()
_NO_JOINT = Joint()


def format_document(document: Document, original: Document | None = None) -> str:
    """Return the text of a document in canonical layout, with its comments.

    Args:
        document: A tree without faults of syntax.
        original: The tree as it was parsed, where `document` was made from it: it has the comments.
            A node of `document` gets those of the node that had its `start`; of several nodes with
            one start, the first does.
    """
    return _Printer(notes_of(original or document, document)).run(document)


class _Open:
    """A block or list whose lines are being written."""

    __slots__ = ("closer", "count", "inside", "is_list", "left")

    def __init__(self, holder: Block | ListField, closer: str) -> None:
        nodes = children(holder)
        self.inside: Iterator[Node] = iter(nodes)
        self.count = self.left = len(nodes)
        self.is_list = isinstance(holder, ListField)
        self.closer = closer


class _Printer:
    """Writes line after line; a stack of what is open instead of recursion."""

    def __init__(self, notes: dict[int, Notes]) -> None:
        self._notes = notes
        self._lines: list[str] = []
        self._stack: list[_Open] = []
        self._fresh = True  # nothing is written yet since the last bracket

    def run(self, document: Document) -> str:
        """Return the text of the document."""
        self._stack.append(_Open(document, ""))
        ends = [self._notes.pop(id(document), _NOTHING)]
        while self._stack:
            top = self._stack[-1]
            for node in top.inside:
                top.left -= 1
                notes = self._notes.pop(id(node), _NOTHING)
                if self._write(node, notes, top):
                    ends.append(notes)
                    break
            else:
                self._close(ends.pop())
        return "".join(self._lines)

    def _pad(self) -> str:
        return " " * (_STEP * min(len(self._stack) - 1, _MOST_LEVELS))

    def _line(self, text: str, blank: bool = False) -> None:
        if blank and not self._fresh:
            self._lines.append("\n")
        self._lines.append(text + "\n")
        self._fresh = False

    def _write(self, node: Node, notes: Notes, holder: _Open) -> bool:
        """Write a node; of one that is spread only the start, and return True."""
        pad = self._pad()
        for comment in notes.above:
            self._line(pad + comment.text, comment.blank)
        comma = "," if holder.is_list and holder.left else ""
        after = comma + _behind(notes.behind)
        if isinstance(node, Scalar):
            start = pad if holder.is_list else f"{pad}{node.name}: "
            self._scalar(node.raw, notes, start, pad, after)
            return False
        one_line = None
        if not (notes.opening or notes.closing):
            one_line = self._one_line(node, holder.is_list, _WIDTH - len(pad) - len(comma))
        if one_line is not None:
            self._line(pad + one_line + after, notes.blank)
            return False
        start, closer = _brackets(node, holder.is_list)
        self._line(pad + start + _behind(notes.opening), notes.blank)
        self._fresh = True
        self._stack.append(_Open(node, pad + closer + after))
        return True

    def _close(self, notes: Notes) -> None:
        pad = self._pad()
        for comment in notes.closing:
            self._line(pad + comment.text, comment.blank)
        closer = self._stack.pop().closer
        if closer:
            self._line(closer)

    def _scalar(self, raw: str, notes: Notes, start: str, pad: str, after: str) -> None:
        blank = notes.blank
        lines = _value_lines(raw)
        if len(lines) == 1:
            self._line(start + lines[0] + after, blank)
            return
        number = -1
        pad += " " * _STEP
        for line_number, line in enumerate(lines):
            number += len(STRING_OR_COMMENT.findall(line))
            joint = notes.joints.get(number, _NO_JOINT)
            behind = after if line_number == len(lines) - 1 else _behind(joint.behind)
            self._line((pad if line_number else start) + line + behind, blank)
            blank = False
            for comment in joint.above:
                self._line(pad + comment)

    def _one_line(self, node: Block | ListField, in_list: bool, room: int) -> str | None:
        """Return a block or list as one line, or None if it is to be spread."""
        if isinstance(node, Block) and (
            _breaks_early(node) or (len(self._stack) == 1 and not _was_written(node))
        ):
            return None
        blocks: list[Block] = []
        words: list[str] = []
        for word in self._words(node, in_list, blocks):
            words.append(word)
            room -= len(word)
            if room < 0:
                return None
        if any(_was_spread(block) for block in blocks):
            return None
        return "".join(words)

    def _words(self, node: Node, in_list: bool, blocks: list[Block]) -> Iterator[str]:
        """Yield the pieces of a node on one line; one without end if it cannot be on one.

        Its blocks are added to `blocks`.
        """
        stack: list[_Open] = []
        while True:
            if isinstance(node, Scalar):
                lines = _value_lines(node.raw)
                if len(lines) > 1:
                    yield _ENDLESS
                yield lines[0] if in_list else f"{node.name}: {lines[0]}"
            else:
                if isinstance(node, Block):
                    blocks.append(node)
                start, closer = _brackets(node, in_list)
                space = "" if isinstance(node, ListField) or not node.fields else " "
                yield start + space
                stack.append(_Open(node, space + closer))
            while stack and not stack[-1].left:
                yield stack.pop().closer
            if not stack:
                return
            top = stack[-1]
            if top.left < top.count:
                yield ", " if top.is_list else " "
            node = next(top.inside)
            top.left -= 1
            in_list = top.is_list
            if self._notes.get(id(node), _NOTHING).has_comments:
                yield _ENDLESS


_ENDLESS = " " * (_WIDTH + 1)


def _behind(comment: str) -> str:
    return f"  {comment}" if comment else ""


def _brackets(node: Block | ListField, in_list: bool) -> tuple[str, str]:
    """Return what opens and what closes a block or list."""
    if isinstance(node, ListField):
        return f"{node.name}: [", "]"
    return ("{" if in_list else f"{node.name} {{"), "}"


def _was_written(block: Block) -> bool:
    """Whether the block is in the text, not made from something else that is there."""
    return block.file.text[block.opening : block.opening + 1] in ("{", "<")


def _was_spread(block: Block) -> bool:
    if not block.fields or not _was_written(block):
        return False
    return block.file.text.find("\n", block.opening, block.end) >= 0


def _breaks_early(block: Block) -> bool:
    """Whether a look at its first characters shows that the block was spread."""
    end = min(block.end, block.opening + 2 * _WIDTH)
    broken = block.file.text.find("\n", block.opening, end) >= 0
    return broken and bool(block.fields) and _was_written(block)


def _value_lines(raw: str) -> list[str]:
    """Return a value in canonical form: adjacent strings that were on several lines still are."""
    first = raw[:1]
    if first == "-":
        return [_MINUS_APART.sub("-", raw, count=1)]
    if first not in ("'", '"') or (first == '"' and raw.find('"', 1) == len(raw) - 1):
        return [raw]
    lines: list[str] = []
    at = 0
    for m in STRING_OR_COMMENT.finditer(raw):
        if not m[1]:
            continue
        string = _in_double_quotes(m[1])
        if lines and "\n" not in raw[at : m.start()]:
            lines[-1] += f" {string}"
        else:
            lines.append(string)
        at = m.end()
    return lines


def _in_double_quotes(string: str) -> str:
    inside = string[1:-1]
    if string[0] == '"' or not _NO_QUOTE.match(inside):
        return string
    return f'"{inside}"'
