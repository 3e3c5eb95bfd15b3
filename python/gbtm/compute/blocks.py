"""Blocks of data that are made where they are worked on: in this process, or in those of an executor.

A block is known by its recipe, which is small, can be pickled and says how the block is made from files. So a block
that is lost with a worker is made again, elsewhere, from the same files. Results come in the order of the blocks: sums
over them have the same digits with any number of workers, and none.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from ..checks import is_count
from ..errors import SpecificationError, warn
from .threads import Elsewhere, in_order, workers

try:  # a package of its own that joblib asks for, or a part of older versions of joblib
    import cloudpickle
except ImportError:
    from joblib.externals import cloudpickle

R = TypeVar("R")

LOST = ("KilledWorker", "FutureCancelledError", "CommClosedError")  # errors of dask.distributed, which is not imported
TRIES = 3  # workers of our own that a block may cost before it is made here


class Recipe(Protocol):
    """How a block is made.

    ``key`` is one's own: what it is of, and its number. ``memory`` are the bytes of blocks that a process keeps.
    """

    @property
    def key(self) -> tuple[str, int]: ...

    @property
    def memory(self) -> int: ...

    def make(self) -> Any:
        """The block."""

    def settle(self, made: Any) -> None:
        """Tell a block what became known after it was made."""

    def size(self, made: Any) -> int:
        """Its bytes."""

    def shards(self, made: Any) -> Sequence[Any]:
        """Its parts, each of a size for the processor's caches."""


class Kept:
    """Blocks that this process keeps, as many as go into the memory: those that came first stay."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, int], tuple[Any, int]] = {}
        self._lock = threading.Lock()

    def get(self, recipe: Recipe) -> Any:
        """The block, made now where it is not kept."""
        with self._lock:
            found = self._blocks.get(recipe.key)
        made = recipe.make() if found is None else found[0]
        recipe.settle(made)
        if found is None:
            self._keep(recipe, made)
        return made

    def _keep(self, recipe: Recipe, made: Any) -> None:
        size = recipe.size(made)
        with self._lock:
            if self._bytes() + size > recipe.memory:  # blocks of another model are done with, or can be made again
                self._blocks = {k: b for k, b in self._blocks.items() if k[0] == recipe.key[0]}
            if self._bytes() + size <= recipe.memory:
                self._blocks[recipe.key] = made, size

    def _bytes(self) -> int:
        return sum(size for _, size in self._blocks.values())

    def forget(self, of: str) -> None:
        """Let go of the blocks of a model."""
        with self._lock:
            self._blocks = {k: b for k, b in self._blocks.items() if k[0] != of}


kept = Kept()


@dataclass(frozen=True, eq=False)
class Block(Elsewhere):
    """A block, as :func:`.threads.in_order` takes it among its items."""

    recipe: Recipe
    place: Workplace

    def spread(self, call: Callable[[Any], R], items: list[Block]) -> list[R]:
        """``call`` of each shard of each of the blocks."""
        return [r for of_block in self.place.results(_OfShards(call), items) for r in of_block]


@dataclass(frozen=True)
class _OfShards:
    """``call`` of each shard of a block."""

    call: Callable[[Any], Any]

    def __call__(self, recipe: Recipe) -> list[Any]:
        return [self.call(shard) for shard in recipe.shards(kept.get(recipe))]


@dataclass(frozen=True)
class OfBlock:
    """``call`` of a whole block."""

    call: Callable[[Any], Any]

    def __call__(self, recipe: Recipe) -> Any:
        return self.call(kept.get(recipe))


class Workplace:
    """Where blocks are worked on.

    Parameters
    ----------
    executor : None for this process and its threads, a number of worker processes, or any
        ``concurrent.futures.Executor``, such as dask's ``client.get_executor()``

    Raises
    ------
    SpecificationError
        ``bad_executor``.
    """

    def __init__(self, executor: Any = None) -> None:
        self.executor = None if is_count(executor) else executor
        self.own: list[ProcessPoolExecutor] = []
        if is_count(executor) and executor > 0:
            self.own = [_pool() for _ in range(executor)]
        elif executor is not None and not callable(getattr(executor, "submit", None)):
            raise SpecificationError(
                f"executor: {executor!r} is no executor.", code="bad_executor", argument="executor",
                way_out="Give a number of worker processes, or what has the submit() of concurrent.futures.Executor: a "
                "ProcessPoolExecutor, dask's client.get_executor().",
            )
        self._told = False

    def results(self, call: Callable[[Any], R], blocks: Sequence[Block]) -> list[R]:
        """``call`` of the recipe of each block, in their order."""
        recipes = [b.recipe for b in blocks]
        if not self.own and self.executor is None:
            return in_order(call, recipes)
        packed = cloudpickle.dumps(call)
        futures = [self._submit(i, recipe, packed) for i, recipe in enumerate(recipes)]
        try:
            return [self._result(i, f, recipes[i], call, packed) for i, f in enumerate(futures)]
        except BaseException:
            for future in futures:
                if future is not None:
                    future.cancel()
            raise

    def _submit(self, number: int, recipe: Recipe, packed: bytes) -> Future[bytes] | None:
        """A block always goes to the same of our own workers, which keep it."""
        pool: Any = self.own[number % len(self.own)] if self.own else self.executor
        try:
            return pool.submit(work_there, cloudpickle.dumps(recipe), packed)
        except (BrokenExecutor, RuntimeError):  # broken before, or shut down
            return None

    def _result(
        self, number: int, future: Future[bytes] | None, recipe: Recipe, call: Callable[[Any], R], packed: bytes
    ) -> R:
        for _ in range(TRIES):
            try:
                if future is not None:
                    return pickle.loads(future.result())
            except (BrokenExecutor, CancelledError):
                pass
            except Exception as error:
                if type(error).__name__ not in LOST:
                    raise
            if not self.own:
                break
            at = number % len(self.own)
            with suppress(Exception):
                self.own[at].submit(int).result()  # it may have been replaced for another block
                future = self._submit(number, recipe, packed)
                continue
            self.own[at] = _pool()
            future = self._submit(number, recipe, packed)
        if not self._told:
            self._told = True
            warn("executor: workers were lost; their blocks are worked on in this process, which takes longer.")
        with workers():
            return call(recipe)

    def close(self) -> None:
        """End the workers that are our own."""
        for pool in self.own:
            pool.shutdown(wait=False, cancel_futures=True)
        self.own = []


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def work_there(recipe: bytes, call: bytes) -> bytes:
    """In a worker's process: the pickled result of a pickled call for a pickled recipe.

    Results are pickled here: torch would hand over tensors by shared memory, which goes with the worker.
    """
    with workers():
        return pickle.dumps(pickle.loads(call)(pickle.loads(recipe)))
