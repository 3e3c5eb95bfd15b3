"""Using the cores there are: blocks of subjects and lots of starts go to worker threads, each with one-threaded torch.

Torch's own threads wait by spinning: a second busy process makes small operations fifty times slower, and a product
split over threads has other last digits. Blocks of fixed size, summed in their order, give the same digits whatever
the number of workers. The number of workers is that of torch's threads (``torch.set_num_threads``, OMP_NUM_THREADS).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

_pool: ThreadPoolExecutor | None = None
_here = threading.local()  # .busy: this thread is a worker's


class Elsewhere:
    """An item of :func:`in_order` that knows itself where calls of it and of its like are made."""

    def spread(self, call: Callable[[Any], R], items: list[Any]) -> list[R]:
        """Results in the order of the items, of each as many as it has parts."""
        raise NotImplementedError


@contextmanager
def with_gradients() -> Iterator[None]:
    """Within: torch keeps what derivatives need, whatever the caller's mode (``torch.inference_mode``, ``no_grad``)."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def workers() -> Iterator[None]:
    """Within: torch operations are one-threaded and :func:`in_order` spreads its calls over worker threads.

    Derivatives are had whatever the caller's mode.
    """
    with with_gradients(), _workers():
        yield


@contextmanager
def _workers() -> Iterator[None]:
    global _pool
    if _pool is not None:  # nested
        yield
        return
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if count > 1:
            with ThreadPoolExecutor(count) as pool:
                _pool = pool
                yield
        else:
            yield
    finally:
        _pool = None
        torch.set_num_threads(count)


def in_order(call: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``[call(i) for i in items]``, by the workers where there are any.

    Called by a worker it runs there: workers that wait for each other would wait for ever.
    """
    work = list(items)
    if work and isinstance(work[0], Elsewhere):
        return work[0].spread(call, work)
    if _pool is None or len(work) < 2 or getattr(_here, "busy", False):
        return [call(i) for i in work]
    return list(_pool.map(lambda item: _as_worker(call, item), work))


def _as_worker(call: Callable[[T], R], item: T) -> R:
    _here.busy = True
    try:
        return call(item)
    finally:
        _here.busy = False
