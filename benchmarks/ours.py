"""One timing of ours, in a process of its own: data frame in, summary with standard errors out.

    python benchmarks/ours.py FAMILY GROUPS WAVES N N_STARTS REPEATS [IORDER]   (N_STARTS 0: the default call)
Prints one JSON line.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable

import gbtm
from cases import Case


def main(
    family: str, groups: int, waves: int, n: int, n_starts: int, repeats: int, iorder: int | None = None
) -> dict[str, object]:
    """Median seconds over the repeats, peak memory of the process, log-likelihood, starts."""
    warnings.simplefilter("ignore", gbtm.GBTMWarning)
    case = Case(family, groups, waves, iorder)
    warm = case.simulate(50)
    gbtm.GBTM.from_formula("y ~ t", warm, id="id", **case.arguments()).fit(n_starts=1).summary()  # loads torch
    data = case.simulate(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    seconds, res = [], None
    for _ in range(repeats):
        begun = time.perf_counter()
        model = gbtm.GBTM.from_formula("y ~ t", data, id="id", **case.arguments())
        res = model.fit(n_starts=n_starts or None, rng=0)
        res.summary()
        seconds.append(time.perf_counter() - begun)
    assert res is not None
    return {
        "seconds": sorted(seconds)[len(seconds) // 2],
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "data_gb": before, "loglik": res.llf,
        "n_starts": int(res.start_report.attrs["n_starts"]), **floor(model, res),
    }


def floor(model: gbtm.GBTM, res: gbtm.GBTMResults) -> dict[str, float]:
    """Seconds of one likelihood evaluation, and of reading its data once."""
    import torch

    from gbtm.compute.threads import in_order, workers
    from gbtm.likelihood.mixture import Mixture

    module = Mixture(model.layout, model.panel)
    flat = torch.as_tensor(res.document["internal"]["params"])[None]
    with torch.no_grad(), workers():
        evaluation = _fastest(lambda: module.total_loglik(flat))
        reading = _fastest(lambda: in_order(lambda s: [c.stats.sum() for c in s.cells], module.shards))
    return {"evaluation": evaluation, "reading": reading}


def _fastest(call: Callable[[], object], times: int = 5) -> float:
    best = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begun)
    return best


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *(int(a) for a in sys.argv[2:]))))
