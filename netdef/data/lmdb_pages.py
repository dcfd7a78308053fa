"""Looking at the pages of an LMDB before lmdb follows them.

lmdb believes what a page says. On a damaged one it may read behind the end of its map, which ends
the process without a word. So every page of the tree is held against what any page must fulfil,
shortly before lmdb comes to it; that costs some three microseconds a record, in the first pass.

The layout is that of LMDB's `mdb.c` (MDB_page, MDB_node, MDB_meta, MDB_db; data version 1) on a
machine of 64 bits, in the machine's byte order.
"""

import os
import struct
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from threading import Lock

from netdef.data.faults import DataFault
from netdef.source.locate import shown

_PAGE = struct.Struct("=QHHHH")  # number, padding, flags, end of the pointers, start of the nodes
_NODE = struct.Struct("=HHHH")  # low and high half of a size or page, flags, size of the key
_NUMBER = struct.Struct("=Q")
_META = struct.Struct("=II16xI44x4xHHQQQQQQQ")
_MAGIC = 0xBEEFC0DE
_BRANCH, _LEAF = 1, 2
_KINDS = 0x6F  # the flags of a page that say what it is
_BIG, _SUBTREE = 1, 2  # flags of a node: its value is on pages of its own; it is a tree
_SEVERAL_VALUES = 0x74  # flags of a tree: a key may have more than one value
_PAGE_SIZES = [2**n for n in range(8, 17)]  # bytes
_DEEPEST = 32  # levels that lmdb follows
_NONE = 2**64 - 1  # the root of a tree without records


@dataclass(frozen=True)
class _Meta:
    """What one of the first two pages says; the younger one counts."""

    magic: int
    version: int
    page_size: int
    flags: int
    depth: int
    branches: int
    leaves: int
    big: int
    entries: int
    root: int
    last: int
    transaction: int


class Pages:
    """The pages of one LMDB, looked at in the order of its records.

    Sources on several threads may share it.
    """

    def __init__(self, file: Path) -> None:
        """Look at the two pages that say where everything is.

        Whether the file is an LMDB at all is left to lmdb.

        Raises:
            DataFault: They make no sense, or the file is shorter than they say.
        """
        self._file = file
        self._checked = 0  # records that can be reached safely, from the first on
        self._lock = Lock()
        self._fault: DataFault | None = None
        try:
            self._raw = FileIO(file)
        except OSError as fault:
            raise DataFault(f"cannot read {shown(file)}: {fault.strerror}") from None
        weakref.finalize(self, self._raw.close)
        first = self._meta(0)
        self._leaves = self._start(first) if first else iter(())

    def check(self, records: int) -> None:
        """See that the first `records` records can be reached.

        Raises:
            DataFault: A page on the way is damaged.
        """
        with self._lock:
            if self._fault is not None:
                raise self._fault
            while self._checked < records:
                try:
                    found = next(self._leaves, 0)
                except DataFault as fault:
                    self._fault = fault
                    raise
                if not found:
                    return  # lmdb will find that the records end here
                self._checked += found

    def _start(self, first: _Meta) -> Iterator[int]:
        self._size = first.page_size
        if self._size not in _PAGE_SIZES:
            raise self._damaged(0)
        second = self._meta(self._size)
        if second is None or second.page_size != self._size:
            raise self._damaged(1)
        meta = max(first, second, key=lambda meta: meta.transaction)
        length, wanted = os.fstat(self._raw.fileno()).st_size, (meta.last + 1) * self._size
        if length < wanted:
            text = f"{shown(self._file)} is cut short: {length:,} of {wanted:,} bytes are there"
            raise DataFault(text)
        if meta.flags & _SEVERAL_VALUES:
            raise DataFault(f"{shown(self._file)} has several values per key: these are no images")
        self._last, self._left = meta.last, meta.entries
        if meta.root == _NONE:
            return iter(())
        if meta.depth > _DEEPEST:
            raise self._damaged(0 if meta is first else 1)
        return self._walk(meta.root, meta.depth)

    def _walk(self, number: int, depth: int) -> Iterator[int]:
        """Look at the pages below one, and yield the number of records of each leaf."""
        if number > self._last:
            raise self._damaged(number)
        page = self._read(number * self._size, self._size)
        kind = _LEAF if depth == 1 else _BRANCH
        own, _, flags, lower, upper = _PAGE.unpack_from(page)
        count = (lower - _PAGE.size) // 2
        straight = own == number and flags & _KINDS == kind and lower % 2 == 0
        # lmdb gives up the process over a branch with a single child.
        if not (straight and count >= (1 if kind == _LEAF else 2) and lower <= upper <= self._size):
            raise self._damaged(number)
        nodes = struct.unpack_from(f"={count}H", page, _PAGE.size)
        if min(nodes) < upper or max(nodes) + _NODE.size > self._size:
            raise self._damaged(number)
        if kind == _LEAF:
            self._left -= count
            if self._left < 0 or not all(self._safe(page, at) for at in nodes):
                raise self._damaged(number)
            yield count
            return
        for at in nodes:
            low, high, top, key = _NODE.unpack_from(page, at)
            if at + _NODE.size + key > self._size:
                raise self._damaged(number)
            yield from self._walk(low | high << 16 | top << 32, depth - 1)

    def _safe(self, page: bytes, at: int) -> bool:
        """Return whether the key and the value of a leaf's node are where they can be read."""
        low, high, flags, key = _NODE.unpack_from(page, at)
        size, value = low | high << 16, at + _NODE.size + key
        if flags & ~(_BIG | _SUBTREE):
            return False
        if not flags & _BIG:
            return value + size <= self._size
        if value + _NUMBER.size > self._size:
            return False
        (first,) = _NUMBER.unpack_from(page, value)
        pages = (_PAGE.size - 1 + size) // self._size + 1
        return first > 1 and first + pages <= self._last + 1

    def _meta(self, offset: int) -> _Meta | None:
        raw = self._read(offset, _PAGE.size + _META.size)
        if len(raw) < _PAGE.size + _META.size:
            return None
        meta = _Meta(*_META.unpack_from(raw, _PAGE.size))
        return meta if meta.magic == _MAGIC else None

    def _read(self, offset: int, count: int) -> bytes:
        try:
            self._raw.seek(offset)
            return self._raw.read(count)
        except OSError as fault:
            raise DataFault(f"cannot read {shown(self._file)}: {fault.strerror}") from None

    def _damaged(self, page: int) -> DataFault:
        return DataFault(f"{shown(self._file)} is damaged: page {page:,} makes no sense")
