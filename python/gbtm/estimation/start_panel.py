"""The data on which starts are tried, which are not always all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.panel import Panel
from ..densities.cells import PRIVATE_SHARE, is_irregular
from ..model.layout import Layout
from .control import Control

START_BINS = 64  # of time, for starts on irregular data
START_ROWS = 5000  # observations above which starts are tried on gathered covariates
COVARIATE_BINS = 12
START_SUBJECTS = 2000  # subjects on which starts are tried when there are many more


def start_panel(panel: Panel, layout: Layout, control: Control) -> Panel:
    """The panel on which starts are tried.

    A random subsample where there are many more subjects than it takes, with times gathered in bins where nearly every
    observation has a time of its own, and covariates and exposure where they make nearly every observation a design
    cell of its own. What is found there is then climbed to with all subjects and exact values.
    """
    panel = panel.for_starts
    if panel.n_subjects > 1.5 * START_SUBJECTS:
        rng = np.random.default_rng(control.rng)
        panel = panel.subset(np.sort(rng.choice(panel.n_subjects, START_SUBJECTS, replace=False)))
    everywhere = all(b.everywhere for part in layout.parts for b in part.bases.values())
    outcomes = []
    for part, m in zip(layout.outcomes, panel.outcomes, strict=True):
        # neighbouring times of a subject may fall into one bin, between which correlated errors would be equal
        apart = not part.family.lagged and not part.n_random
        if everywhere and apart and is_irregular(m, panel.n_subjects):
            m = m.binned(START_BINS)
        by_exposure = not part.family.folds_exposure
        if m.nobs > START_ROWS and m.cells(by_exposure=by_exposure)[0].size > PRIVATE_SHARE * m.nobs:
            m = m.binned_covariates(COVARIATE_BINS)
        outcomes.append(m)
    same = all(m is original for m, original in zip(outcomes, panel.outcomes, strict=True))
    return panel if same else replace(panel, outcomes=tuple(outcomes))


def few_enough(n_distinct: int) -> bool:
    """So few distinct subjects that starts are tried on all of them."""
    return n_distinct <= START_SUBJECTS
