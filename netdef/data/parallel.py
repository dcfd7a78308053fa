"""Doing the same with many items on all cores, with the results in the order of the items."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 3
"""Items under way or done, per thread, that nobody has asked for: more would only take memory."""


def ordered(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield what `function` makes of each item.

    It runs in threads, which pays where it decodes images or reduces arrays: both let go of the
    interpreter. The items themselves are taken by the caller's thread.
    """
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    most = _AHEAD * (threads or 1)
    pool = ThreadPoolExecutor(threads)
    try:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
