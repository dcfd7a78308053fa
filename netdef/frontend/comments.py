"""Comments and blank lines: found in the text between the nodes, and given to the nodes.

They belong to the tree as it was parsed. Where it was transformed since, they follow the nodes: to
the first node that has the `start` of theirs, and where there is none, to the next that is left.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from netdef.frontend.nodes import Block, Document, ListField, Node, Scalar

STRING_OR_COMMENT = re.compile(
    r"""("(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+')|(\#[^\n]*+)""", re.VERBOSE
)
"""Group 1 is a string, group 2 a comment; a `#` that is in no string begins a comment."""

_BLANK_LINE = re.compile(r"\n[ \t\r\v\f]*+\n")
_ASCII_SPACE = " \t\r\v\f"  # what a file in Latin-1 has beyond it may be half of a letter


class Comment(NamedTuple):
    """A comment on a line of its own, from its `#` on."""

    text: str
    blank: bool  # a blank line is above it


@dataclass(slots=True)
class Joint:
    """The comments between two adjacent strings."""

    behind: str = ""
    above: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Notes:
    """What surrounds a node.

    Attributes:
        above: Comments on the lines before it.
        blank: Whether a blank line is before it, after the comments.
        opening: The comment on the line of its opening bracket.
        joints: By the number of a string: the comments after it, before the next.
        closing: Comments on the lines before its closing bracket.
        behind: The comment on the line where it ends.
    """

    above: list[Comment] = field(default_factory=list[Comment])
    blank: bool = False
    opening: str = ""
    joints: dict[int, Joint] = field(default_factory=dict[int, Joint])
    closing: list[Comment] = field(default_factory=list[Comment])
    behind: str = ""

    @property
    def has_comments(self) -> bool:
        """Whether there is more than a blank line."""
        return bool(self.above or self.opening or self.joints or self.closing or self.behind)


def children(node: Block | ListField) -> Sequence[Node]:
    """Return the fields of a block, the items of a list."""
    return node.items if isinstance(node, ListField) else node.fields


def notes_of(original: Document, document: Document) -> dict[int, Notes]:
    """Return the comments and blank lines of `original`, by the `id` of nodes of `document`.

    What is left at the end of the text is `closing` of the document itself.
    """
    return _Attaching(original, document).run()


def _walk(document: Document) -> Iterator[tuple[Node, bool]]:
    """Yield the nodes in the order of the text, blocks and lists once more (True) at their end."""
    stack: list[tuple[Block | ListField, Iterator[Node]]] = [(document, iter(document.fields))]
    while stack:
        holder, inside = stack[-1]
        for node in inside:
            yield node, False
            if not isinstance(node, Scalar):
                stack.append((node, iter(children(node))))
                break
        else:
            yield holder, True
            stack.pop()


class _Attaching:
    """One walk through the original, gap by gap."""

    def __init__(self, original: Document, document: Document) -> None:
        self._original = original
        self._document = document
        self._text = original.file.text
        self._comments = [m.span(2) for m in STRING_OR_COMMENT.finditer(self._text) if m[2]]
        self._comments.append((len(self._text) + 1, 0))  # so that there is always a next one
        self._next = 0  # the first of them that has no place yet
        self._heirs: dict[int, Node] = {}
        for node, ended in _walk(document):
            if not ended and node.file is original.file:
                self._heirs.setdefault(node.start, node)
        self._notes: dict[int, Notes] = {}
        self._homeless: list[Comment] = []  # of nodes that are gone: they wait for the next one
        self._blank = False  # a blank line was before a node that is gone

    def run(self) -> dict[int, Notes]:
        """Walk; return the notes by the identity of the nodes of the document."""
        at = 0
        before: Node | None = None  # what may have a comment behind it
        opened = False  # ... behind its opening bracket
        for node, ended in _walk(self._original):
            until = node.start if not ended else node.end - (node is not self._original)
            comments, blank = self._gap(at, until, before, opened)
            if ended:
                self._close(node, comments, blank)
            else:
                self._above(node, comments, blank)
            before, opened, at = node, False, node.end
            if not ended and not isinstance(node, Scalar):
                opened, at = True, node.opening + 1
        return self._notes

    def _gap(
        self, at: int, until: int, before: Node | None, opened: bool
    ) -> tuple[list[Comment], bool]:
        """Return the comments of a gap and whether a blank line ends it.

        A comment that shares the line of what is before the gap is given to that.
        """
        comments: list[Comment] = []
        while self._comments[self._next][0] < until:
            start, end = self._comments[self._next]
            self._next += 1
            text = self._text[start:end].rstrip(_ASCII_SPACE)
            if before is not None and not comments and "\n" not in self._text[at:start]:
                self._behind(before, text, opened)
                before = None
            else:
                comments.append(Comment(text, self._blank_line(at, start)))
            at = end
        return comments, self._blank_line(at, until)

    def _blank_line(self, start: int, end: int) -> bool:
        """Whether a gap has a blank line, or one was before a node that is gone."""
        text = self._text
        found = self._blank
        if not found and text.count("\n", start, end) > 1:
            found = _BLANK_LINE.search(text, start, end) is not None
        self._blank = False
        return found

    def _heir(self, node: Node) -> Node | None:
        return self._document if node is self._original else self._heirs.get(node.start)

    def _notes_for(self, heir: Node) -> Notes:
        return self._notes.setdefault(id(heir), Notes())

    def _behind(self, node: Node, text: str, opened: bool) -> None:
        heir = self._heir(node)
        if heir is None:
            self._homeless.append(Comment(text, False))
            return
        notes = self._notes_for(heir)
        if isinstance(node, Scalar) != isinstance(heir, Scalar):
            notes.above.append(Comment(text, notes.blank))
            notes.blank = False
        elif opened:
            notes.opening = text
        else:
            notes.behind = text

    def _above(self, node: Node, comments: list[Comment], blank: bool) -> None:
        """Place the comments above a node, and those inside it before its value or bracket."""
        heir = self._heirs.get(node.start)
        head = node.value_start if isinstance(node, Scalar) else node.opening
        joints: dict[int, Joint] = {}
        if self._comments[self._next][0] < node.end:
            within = self._inside(head)
            if isinstance(node, Scalar) and self._comments[self._next][0] < node.end:
                if isinstance(heir, Scalar) and heir.raw == node.raw and node.raw[0] != "-":
                    joints = self._joints(node)
                else:
                    within += self._inside(node.end)
            if within:  # the blank line stays before all that belongs to the node
                within[0] = Comment(within[0].text, blank)
                comments += within
                blank = False
        if heir is None:
            self._homeless += comments
            self._blank = blank
        elif comments or self._homeless or blank or joints:
            notes = self._notes_for(heir)
            notes.above += [*self._homeless, *comments]
            notes.blank = blank
            notes.joints = joints
            self._homeless = []

    def _inside(self, until: int) -> list[Comment]:
        first = self._next
        while self._comments[self._next][0] < until:
            self._next += 1
        spans = self._comments[first : self._next]
        return [Comment(self._text[a:b].rstrip(_ASCII_SPACE), False) for a, b in spans]

    def _joints(self, node: Scalar) -> dict[int, Joint]:
        """Return the comments between the strings of a value."""
        self._inside(node.end)
        joints: dict[int, Joint] = {}
        number, at = -1, 0
        for m in STRING_OR_COMMENT.finditer(node.raw):
            if m[1]:
                number, at = number + 1, m.end()
                continue
            joint = joints.setdefault(number, Joint())
            text = m[2].rstrip(_ASCII_SPACE)
            if joint.behind or joint.above or "\n" in node.raw[at : m.start()]:
                joint.above.append(text)
            else:
                joint.behind = text
        return joints

    def _close(self, node: Node, comments: list[Comment], blank: bool) -> None:
        heir = self._heir(node)
        self._homeless += comments
        if isinstance(heir, Block | ListField):
            if self._homeless:
                self._notes_for(heir).closing += self._homeless
                self._homeless = []
        else:
            self._blank = blank
