"""From a model on data that stay on disk to its fit document."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._version import __version__
from ..checks import check_seed
from ..compute.progress import Progress, reporter
from ..errors import SpecificationError
from ..estimation.control import Control
from ..fit.fit_model import Smaller, grow
from ..fit.start_values import read_start
from ..model.prepared_blocks import PreparedBlocks

if TYPE_CHECKING:
    from ..compute.blocks import Workplace


def fit_blocks(
    prepared: PreparedBlocks, *, n_starts: int | None = None, rng: int = 0, device: str = "cpu",
    cov_type: str | None = None, start: Any = None, max_starts: int = 256, time_budget: float | None = 60.0,
    progress: Progress | bool | None = None, executor: Any = None, checkpoint: str | Path | None = None,
) -> dict[str, Any]:
    """Find the best optimum and its standard errors, as :func:`.fit_model.fit_as_asked` does for people in memory.

    Parameters
    ----------
    executor : where blocks are worked on; see :class:`gbtm.compute.blocks.Workplace`
    checkpoint : file by which a fit that was cut off goes on
    """
    from ..compute.blocks import Workplace

    if device != "cpu":
        raise SpecificationError(
            "device: data that stay on disk are summed on the processor.", code="not_on_disk", argument="device",
            way_out="Leave device out; executor= spreads the work.",
        )
    control = Control(
        n_starts=n_starts, max_starts=max_starts, time_budget=time_budget, rng=check_seed(rng), device=device,
        progress=reporter(progress),
    )
    user_starts, smaller = read_start(start, prepared.of_sample)
    with ExitStack() as stack:
        place = Workplace(executor)
        stack.callback(place.close)
        return _fitted(prepared, control, cov_type, (user_starts, smaller), place, checkpoint, stack)


def refuse_for_memory(**given: Any) -> None:
    """Refuse what goes with data on disk alone.

    Raises
    ------
    SpecificationError
        ``only_on_disk``.
    """
    for argument, value in given.items():
        if value is not None:
            raise SpecificationError(
                f"{argument}: goes with data that stay on disk.", code="only_on_disk", argument=argument,
                way_out="Make the model of Panel.from_parquet(..), or leave it out: a fit in memory uses all threads.",
            )


def _fitted(
    prepared: PreparedBlocks, control: Control, cov_type: str | None,
    starts: tuple[np.ndarray | None, Smaller | None], place: Workplace, checkpoint: str | Path | None,
    stack: ExitStack,
) -> dict[str, Any]:
    from ..compute.threads import workers
    from ..estimation.block_scores import block_score_variance
    from ..estimation.covariance import constrained_covariance, free_directions, information, resolve, within
    from ..estimation.estimate import estimate
    from ..likelihood.block_mixture import BlockMixture
    from ..likelihood.mixture import Mixture
    from .block_document import block_document
    from .fit_checkpoint import FitCheckpoint

    begun = time.monotonic()
    panel, layout, sample = prepared.panel, prepared.layout, prepared.sample
    kind = resolve(cov_type, sample.subjects, layout.n_free)
    memory = None
    if checkpoint is not None:
        memory = FitCheckpoint(checkpoint, _told_by(prepared, control, starts[0]))
        stack.callback(memory.close)
    if control.progress is not None:
        control.progress(f"reading {panel.n_blocks} blocks", 0.0)
    module = BlockMixture(layout, panel, Mixture(layout, sample.for_starts), sample.for_starts, place, memory)
    user_starts, smaller = starts
    exact = smaller is not None
    if user_starts is None and smaller is None and control.n_starts is None and prepared.spec.n_groups > 1:
        smaller = grow(prepared.of_sample, control)
    result = estimate(module, sample, control, user_starts=user_starts, smaller=smaller, exact_growth=exact)
    if control.progress is not None:
        control.progress("standard errors", time.monotonic() - begun)
    with workers():
        info = within(information(module, result.flat), free_directions(layout, result.flat))
        meat, df = block_score_variance(
            module, result.flat, kind, weighted="weights" in panel.source.given)
        cov = constrained_covariance(layout, result.flat, info, kind, panel.nobs, meat)
        document = block_document(prepared, module, result, cov, df)
    document["search"] |= {"rng": control.rng, "n_starts_asked": control.n_starts}
    return {**document, "seconds": time.monotonic() - begun}


def _told_by(prepared: PreparedBlocks, control: Control, user_starts: np.ndarray | None) -> str:
    """What tells a fit from others that are not to be gone on with from its checkpoint."""
    source = prepared.panel.source
    settings = asdict(replace(control, progress=None, time_budget=None))  # what tells of progress may have locks
    starts = None if user_starts is None else user_starts.tolist()
    return repr((__version__, source.blocks, source.columns, source.given, asdict(prepared.spec), settings, starts))
