"""Training by mini-batches of people, as the user asks for it and holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_seed
from ..compute.progress import Progress, reporter
from ..errors import SpecificationError
from ..record.on_disk import not_kept
from .model import GBTM
from .results import GBTMResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked
@dataclass(frozen=True, repr=False)
class Training:
    """What became of a training by mini-batches.

    Attributes
    ----------
    history : one row an epoch, 0 being the start: mean log-likelihood per person while the epoch ran (``training``,
        each batch before its step) and of the people held out after it (``held_out``); ``learning_rate``
    best_epoch : whose parameters are kept: that with the best held-out log-likelihood; the last where nobody was held
        out
    stopped_early : the held-out log-likelihood had not risen for ``patience`` epochs
    params : the parameters of that epoch, groups in the order of a fit
    llf : the log-likelihood of all people there
    res : the fit that full Newton steps over all people made of it, with its standard errors and certificate; None
        without ``finish``
    """

    history: pd.DataFrame
    best_epoch: int
    stopped_early: bool
    params: pd.Series[float]
    llf: float
    res: GBTMResults | None

    def __repr__(self) -> str:
        epochs = len(self.history) - 1
        lines = [f"{epochs} epochs of mini-batches" + (", stopped early." if self.stopped_early else ".")]
        best = self.history["held_out"].iloc[self.best_epoch]
        if np.isfinite(best):
            lines.append(f"Best held-out log-likelihood per person {best:.5f}, in epoch {self.best_epoch}.")
        lines.append(f"Log-likelihood of all people there {self.llf:.4f}.")
        if self.res is not None:
            lines.append(
                f"Newton steps over all people gained {self.res.llf - self.llf:.4f}: {self.res.llf:.4f}"
                + (", converged." if self.res.converged else ", not converged.")
            )
        return "\n".join(lines)

    def plot(self, **options: Any) -> Axes:
        """Learning curves; see :mod:`gbtm.figures.learning`."""
        from ..figures.learning import plot_learning

        return plot_learning(self.history, self.best_epoch, **options)


@checked
def train(
    model: GBTM, *, optimiser: Callable[..., Any] | None = None, schedule: Callable[..., Any] | None = None,
    batch_size: int = 1000, epochs: int = 50, held_out: float = 0.1, patience: int = 5, start: Any = None, rng: int = 0,
    finish: bool = True, cov_type: str | None = None, checkpoint: str | Path | None = None,
    progress: Progress | bool | None = None,
) -> Training:
    """Train a model by mini-batches of people, and end with full Newton steps.

    ``model.fit()`` passes over all people in each step, searches for the best optimum, and is faster for all that fits
    into memory; see docs/training.md for what was measured. This is for those who want their own optimiser, a learning
    curve, or to stop by people held out.

    Parameters
    ----------
    optimiser : None for EM whose statistics are updated batch by batch (Cappé and Moulines 2009), which has no learning
        rate; or a function of parameters that makes a torch optimiser, ``lambda p: torch.optim.Adam(p, lr=0.02)``. It
        minimises minus the mean log-likelihood of a batch's people, weighted where people have weights
    schedule : a function of the optimiser that makes a learning-rate scheduler, whose step is taken after each epoch
    batch_size : people in a batch
    epochs : the most passes over the people
    held_out : share of the people (whole clusters) by whom training is stopped; 0 for all epochs without stopping
    patience : epochs without a better held-out log-likelihood after which it stops
    start : None for the best of a light search on a sample of those trained on; "random"; or as for
        :meth:`gbtm.GBTM.fit`. Training from one start is no search for the best optimum
    rng : seed of who is held out, of the batches and of the start
    finish : end with Newton steps over all people, those held out among them, to the maximum, with standard errors
        (``cov_type`` as for :meth:`gbtm.GBTM.fit`)
    checkpoint : file that is written after each epoch; a training that is cut off goes on from it to the same digits
        when it is asked for again
    progress : as for :meth:`gbtm.GBTM.fit`

    Raises
    ------
    SpecificationError, DataError
        ``no_shared_cells`` where EM by batches has no statistics to keep, ``diverged`` where the optimiser ran away,
        ``no_prior_here`` for a model with a prior.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> model = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=2, family="normal")
    >>> out = gbtm.train(model, batch_size=25, epochs=3)
    >>> out.res.converged
    True
    """
    from ..estimation.control import Control
    from ..estimation.estimate import group_order
    from ..likelihood.mixture import Mixture
    from ..training.epochs import Settings, run_epochs
    from ..training.first_values import first_values

    if model.on_disk is not None:
        raise not_kept("train")
    if model.spec.prior is not None:
        raise SpecificationError(
            "prior: batches know the likelihood of their people alone, and no prior.", code="no_prior_here",
            argument="prior", way_out="Train without it, then fit from there: model.fit(start=out.params, prior=..).",
        )
    if model.spec.event is not None:
        raise SpecificationError(
            "event: a model with a time to an event is not trained by mini-batches.", code="no_event_here",
            argument="event", way_out="Use fit(), on a sample of the people where there are very many.",
        )
    prepared, layout = model.prepared, model.layout
    if prepared.spec.has_networks:
        raise SpecificationError(
            "curve: hidden units are not found by mini-batches.", code="no_network_here", argument="curve",
            way_out="Use fit(), on a sample of the people where there are very many.",
        )
    settings = Settings(optimiser, schedule, batch_size, epochs, held_out, patience, check_seed(rng))
    module = Mixture(layout, model.panel)
    module.set_flat(first_values(prepared, settings, start, Control(rng=settings.rng, time_budget=None)))
    out = run_epochs(prepared, module, settings, checkpoint=checkpoint, progress=reporter(progress))
    flat = layout.permute(out.flat, group_order(module, out.flat))
    module.set_flat(flat)
    with_all = float(module.total_loglik(module.flat().detach()[None])[0])
    params = pd.Series(layout.report(flat), index=list(layout.names), name="params")
    res = None
    if finish:
        res = model.fit(start=params, rng=settings.rng, cov_type=cov_type, time_budget=None, progress=progress)
    history = pd.DataFrame(out.history).astype(float).astype({"epoch": int})
    return Training(history, out.best, out.stopped_early, params, with_all, res)
