"""Workers on blocks of people on disk: the same bits with any of them, and when one is killed; errors come from them
in words, and leave nothing half-written."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gbtm import GBTM, DataError, GBTMResults, GBTMWarning, Panel
from gbtm.api.disk_results import DiskResults
from same_bits import same_bits

pytest.importorskip("pyarrow")
N = 120


def written(folder: Path) -> None:
    """Two groups of people in four files."""
    rng = np.random.default_rng(7)
    d = pd.DataFrame({"id": np.repeat(np.arange(N), 4), "t": np.tile(np.arange(4), N) * 1.0})
    d["y"] = rng.normal(size=len(d)) + np.where(d["id"] % 3 == 0, 1.5, -1.5)
    for i, mine in enumerate(np.array_split(np.arange(N), 4)):
        d[d["id"].isin(mine)].to_parquet(folder / f"{i}.parquet")


def model_of(folder: Path, **reading: Any) -> GBTM:
    panel = Panel.from_parquet(folder, id="id", time="t", outcome="y", **reading)
    spec = GBTM.from_formula("y ~ t", pd.DataFrame({"id": [1, 1, 2], "t": [0, 1, 0], "y": [0.0, 1, 2]}), id="id",
                             groups=2, order=1).spec
    return GBTM.from_panel(panel, spec)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> GBTM:
    folder = tmp_path_factory.mktemp("workers")
    written(folder)
    return model_of(folder)


@pytest.fixture(scope="module")
def alone(model: GBTM) -> GBTMResults:
    """The fit without workers."""
    return model.fit(n_starts=2)


class Killer:
    """Progress that kills a worker once the climb with all people begins."""

    def __init__(self, processes: Callable[[], list[int]]) -> None:
        self.processes, self.killed = processes, 0

    def __call__(self, sentence: str, seconds: float) -> None:
        if not self.killed and "with all subjects" in sentence:
            self.killed = self.processes()[0]
            os.kill(self.killed, signal.SIGKILL)


@contextmanager
def pool() -> Iterator[tuple[Executor, Callable[[], list[int]]]]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as made:
        yield made, lambda: list(made._processes)


@contextmanager
def dask() -> Iterator[tuple[Executor, Callable[[], list[int]]]]:
    """Two processes of dask.distributed; what a busy machine takes long for is waited for."""
    distributed = pytest.importorskip("distributed")
    config = pytest.importorskip("dask.config")
    patient = {
        "distributed.comm.timeouts.connect": "120s", "distributed.comm.timeouts.tcp": "120s",
        "distributed.scheduler.worker-ttl": None, "distributed.worker.memory.terminate": False,
        "distributed.admin.tick.limit": "120s",
    }
    with config.set(patient), distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0,
    ) as cluster, distributed.Client(cluster, timeout="120s") as client:
        client.wait_for_workers(2, timeout=120)
        own = list(client.run(os.getpid).values())
        assert len(set(own)) == 2
        yield client.get_executor(), lambda: own


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_own_workers_give_the_same_bits(model: GBTM, alone: DiskResults, count: int, tmp_path: Path) -> None:
    same_bits(model.fit(n_starts=2, executor=count), alone)
    alone.posterior_to(tmp_path / "p", executor=count)
    alone.posterior_to(tmp_path / "q")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "p"), pd.read_parquet(tmp_path / "q"), check_exact=True)


@pytest.mark.slow
def test_own_worker_that_is_killed_costs_no_digit(
    model: GBTM, alone: GBTMResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gbtm.compute import blocks

    made: list[ProcessPoolExecutor] = []
    real = blocks._pool
    monkeypatch.setattr(blocks, "_pool", lambda: (made.append(real()), made[-1])[1])
    killer = Killer(lambda: list(made[0]._processes))
    same_bits(model.fit(n_starts=2, executor=2, progress=killer), alone)
    assert killer.killed
    assert len(made) == 3


@pytest.mark.slow
def test_pool_that_loses_a_worker_costs_no_digit_and_it_is_said(model: GBTM, alone: GBTMResults) -> None:
    with pool() as (executor, processes):
        same_bits(model.fit(n_starts=2, executor=executor), alone)
        killer = Killer(processes)
        with pytest.warns(GBTMWarning, match="workers were lost; their blocks are worked on in this process"):
            res = model.fit(n_starts=2, executor=executor, progress=killer)
    assert killer.killed
    same_bits(res, alone)


@pytest.mark.slow
def test_dask_gives_the_same_bits_also_when_a_worker_is_killed(model: GBTM, alone: GBTMResults) -> None:
    with dask() as (executor, processes):
        same_bits(model.fit(n_starts=2, executor=executor), alone)
        killer = Killer(processes)
        res = model.fit(n_starts=2, executor=executor, progress=killer)
    assert killer.killed
    same_bits(res, alone)


def test_threads_and_an_executor_that_was_shut_down(model: GBTM, alone: GBTMResults) -> None:
    with ThreadPoolExecutor(2) as threads:
        same_bits(model.fit(n_starts=2, executor=threads), alone)
    with pytest.warns(GBTMWarning, match="workers were lost"):
        same_bits(model.fit(n_starts=2, executor=threads), alone)


def _gone(path: Path) -> None:
    path.unlink()


def _changed(path: Path) -> None:
    table = pd.read_parquet(path)
    table.assign(y=table["y"] + 1).to_parquet(path)


def _damaged(path: Path) -> None:
    """Its pages are overwritten; size and time are as they were."""
    state, content = path.stat(), bytearray(path.read_bytes())
    content[4:204] = bytes(200)
    path.write_bytes(bytes(content))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


HARM = {"missing_file": (_gone, "cannot be read"), "changed_file": (_changed, "has changed since"),
        "damaged_file": (_damaged, "rows of .* cannot be read")}
def harmed(executor: Any, code: str, folder: Path) -> None:
    """A fit whose file comes to harm once the climb with all people begins says so, and leaves a whole checkpoint."""
    data, out = folder / "data", folder / "out"
    data.mkdir(parents=True)
    out.mkdir()
    written(data)
    harm, words = HARM[code]
    done: list[str] = []

    def mid_fit(sentence: str, seconds: float) -> None:
        if not done and "with all subjects" in sentence:
            done.append(sentence)
            harm(data / "2.parquet")

    options: dict[str, Any] = {"n_starts": 2, "checkpoint": out / "fit.json"}
    with pytest.raises(DataError, match=words) as e:
        model_of(data, memory=0).fit(**options, executor=executor, progress=mid_fit)  # every pass reads
    assert done
    assert (e.value.code, e.value.argument) == (code, "data")
    assert "2.parquet" in e.value.message
    assert e.value.way_out
    assert [p.name for p in out.iterdir()] == ["fit.json"]
    written(data)
    with pytest.raises(DataError, match="other data") as e:  # the file can be read, and is refused for what it is of
        model_of(data).fit(**options)
    assert e.value.code == "other_checkpoint"


@pytest.mark.parametrize("code", HARM)
def test_harm_to_a_file_is_said(code: str, tmp_path: Path) -> None:
    harmed(None, code, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [pool, dask])
def test_harm_to_a_file_is_said_by_workers(workers: Callable[[], Any], tmp_path: Path) -> None:
    with workers() as (executor, _):
        for code in HARM:
            harmed(executor, code, tmp_path / code)


def test_damage_is_said_when_the_files_are_surveyed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    written(data)
    _damaged(data / "1.parquet")
    with pytest.raises(DataError, match=r"rows of .*1\.parquet' cannot be read") as e:
        model_of(data)
    assert e.value.code == "damaged_file"
    pytest.importorskip("duckdb")
    with pytest.raises(DataError, match=r"rows of .*1\.parquet' cannot be read") as e:
        model_of(data, repartition=tmp_path / "anew")  # DuckDB does not say which file it was
    assert e.value.code == "damaged_file"
    assert [p.name for p in tmp_path.iterdir()] == ["data"]
    content = (data / "1.parquet").read_bytes()
    (data / "1.parquet").write_bytes(content[:len(content) // 2])  # cut off
    with pytest.raises(DataError, match=r"1\.parquet' is no Parquet file") as e:
        model_of(data)
    assert e.value.code == "not_parquet"


def test_damage_while_probabilities_are_written_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    written(data)
    res = model_of(data).fit(n_starts=1)
    _damaged(data / "3.parquet")
    with pytest.raises(DataError, match=r"3\.parquet"):
        res.posterior_to(tmp_path / "p")  # type: ignore[attr-defined]
    assert [p.name for p in tmp_path.iterdir()] == ["data"]
