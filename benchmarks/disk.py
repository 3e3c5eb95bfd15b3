"""People whose data stay on disk: CPU seconds of reading, of a pass of each kind, of a fit, and the peak memory.

    python benchmarks/disk.py normal 1000000 [K] [folder]

Simulates so many people with 10 waves in 8 files, and prints a line for each part. Needs pyarrow.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import gbtm
from gbtm.compute.blocks import Workplace
from gbtm.compute.threads import workers
from gbtm.disk.disk_panel import disk_panel
from gbtm.estimation.newton import em, expectation
from gbtm.likelihood.block_mixture import BlockMixture
from gbtm.likelihood.derivatives import observed
from gbtm.likelihood.mixture import Mixture
from gbtm.model.prepared_blocks import PreparedBlocks

WAVES, FILES = 10, 8
LEVELS = np.array([-2.0, -0.5, 0.5, 2.0])
SLOPES = np.array([0.1, -0.1, 0.15, -0.05])


def write(folder: Path, family: str, people: int) -> None:
    """Simulated people of four groups."""
    for number, ids in enumerate(np.array_split(np.arange(people), FILES)):
        rng = np.random.default_rng(number)
        t = np.tile(np.arange(WAVES), ids.size)
        group = np.repeat(rng.choice(4, ids.size, p=[0.4, 0.3, 0.2, 0.1]), WAVES)
        u = LEVELS[group] + SLOPES[group] * t
        y = u + rng.normal(size=u.size) if family == "normal" else (rng.random(u.size) < 1 / (1 + np.exp(-u))) * 1.0
        table = pd.DataFrame({"id": np.repeat(ids, WAVES), "t": t, "y": y})
        table.to_parquet(folder / f"{number}.parquet", compression="zstd", index=False)


class Clock:
    """CPU and wall seconds of the parts, and the memory's peak so far."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.monotonic()

    def tell(self, what: str, times: int = 1) -> None:
        cpu, wall = time.process_time(), time.monotonic()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        spent, passed = (cpu - self.cpu) / times, (wall - self.wall) / times
        print(f"{what:<44}{spent:9.3f} CPU s{passed:9.3f} s{peak:8.0f} MB", flush=True)
        self.cpu, self.wall = time.process_time(), time.monotonic()


def main(family: str, people: int, groups: int, folder: Path) -> None:
    """All parts, one after the other."""
    if not list(folder.glob("*.parquet")):
        write(folder, family, people)
    size = sum(p.stat().st_size for p in folder.glob("*.parquet")) / 1e6
    print(f"{family}, {people} people x {WAVES} waves, {groups} groups, {size:.0f} MB in {FILES} files")
    clock = Clock()
    clock.tell("import")
    panel = disk_panel(folder, id="id", time="t", outcome="y")
    clock.tell(f"survey, {panel.n_blocks} blocks")
    model = gbtm.GBTM.from_panel(panel, _spec(family, groups))
    prepared = model.on_disk
    assert isinstance(prepared, PreparedBlocks)
    sample = Mixture(prepared.layout, prepared.sample.for_starts)
    clock.tell("bases and sample")
    module = BlockMixture(prepared.layout, panel, sample, Workplace())
    clock.tell(f"read and compress, {module.n_distinct} kinds of people")
    sample_model = gbtm.GBTM.from_panel(prepared.sample.for_starts, prepared.spec)
    start = sample_model.fit(n_starts=4)
    flat = torch.from_numpy(prepared.layout.unreport(start.params.to_numpy()))[None]
    clock.tell("a fit of the sample, 4 starts")
    with workers():
        for _ in range(3):
            expectation(module, flat)
        clock.tell("E-step", 3)
        em(module, flat, 3, enough=-1.0)
        clock.tell("EM step", 3)
        observed(module, flat)
        clock.tell("log-likelihood, gradient and Hessian")
    del module
    res = model.fit(n_starts=8)
    clock.tell(f"whole fit, 8 starts, log-likelihood {res.llf:.3f}")


def _spec(family: str, groups: int) -> gbtm.specification.spec.ModelSpec:
    few = pd.DataFrame({"id": np.repeat(np.arange(20), 2), "t": np.tile([0, 1], 20), "y": np.tile([0, 1, 1, 0], 10)})
    return gbtm.GBTM.from_formula("y ~ t", data=few, id="id", groups=groups, order=1, family=family).spec


if __name__ == "__main__":
    kind, count = sys.argv[1], int(sys.argv[2])
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    if len(sys.argv) > 4:
        Path(sys.argv[4]).mkdir(parents=True, exist_ok=True)
        main(kind, count, number, Path(sys.argv[4]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(kind, count, number, Path(place))
