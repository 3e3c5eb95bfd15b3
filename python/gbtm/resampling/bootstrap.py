"""The label-matched bootstrap: how far parameters, shares, curves and the number of groups would vary.

Replicates refit the model to resampled subjects or to data drawn from the fit. Each replicate's groups are put in the
order of the fit by the posterior probabilities that it gives the people of the fit; without that, labels that change
places would pass for uncertainty.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_count, check_level, check_seed, is_count
from ..compute.parallel import spread
from ..compute.progress import Progress
from ..errors import DataError, SpecificationError
from ..fit.hidden_units import refuse_networks
from ..fit.outcome_view import number_of
from ..specification.covariance_kinds import COVARIANCE_KINDS
from .replicates import Task, replicate, rivals_of

if TYPE_CHECKING:
    from ..fit.fit import Fit
    from ..model.layout import Layout

KINDS = ("subjects", "parametric")
STARTS = 4  # besides the estimates
MANY_CROSSED = 0.05  # share of the replicates above which crossed groups are told


@checked
@dataclass(frozen=True)
class Bootstrap:
    """Replicates of a fit, groups matched to it.

    Attributes
    ----------
    kind : "subjects" or "parametric"
    params : (n, k) estimates of the replicates, in the user's time and units
    shares : (n, K) their group shares
    failures : replicates left out because their fit failed; ``reasons`` counts them by what went wrong
    chosen_groups : where asked for, index groups: ``times`` that BIC (n = subjects) chose so many, and their ``share``
    unfitted : of the fits with other numbers of groups, how many failed and could not be chosen
    moved : of a fit with hidden units each replicate's own units and estimates; ``params`` then lack the coefficients
        of the units, which are of other columns in each replicate
    crossed : replicates in which groups of unlike orders changed places, which no matching can undo
    """

    res: Fit
    kind: str
    params: pd.DataFrame
    shares: pd.DataFrame
    failures: int
    reasons: dict[str, int]
    chosen_groups: pd.DataFrame | None = None
    unfitted: int = 0
    crossed: int = 0
    moved: tuple[tuple[Layout, np.ndarray], ...] = ()  # layout and internal parameters, where hidden units moved

    @property
    def n(self) -> int:
        """Number of replicates that count."""
        return len(self.params)

    @cached_property
    def bse(self) -> pd.Series:
        """Standard deviation of the replicates of each parameter."""
        return self.params.std(ddof=1).rename("std err")

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the replicates (k, k)."""
        return self.params.cov()

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Percentile intervals (k, 2) of level 1 - alpha."""
        return _percentiles(self.params, alpha).set_axis([0, 1], axis=1)

    def summary(self, alpha: float = 0.05) -> pd.DataFrame:
        """Estimate, bootstrap standard error and percentile interval of each parameter."""
        return pd.concat([self.res.params, self.bse, _percentiles(self.params, alpha)], axis=1)

    def group_shares(self, alpha: float = 0.05) -> pd.DataFrame:
        """Shares with bootstrap standard errors and percentile intervals, index group; of a dual model those of the
        pairs of groups."""
        share = self.res.class_shares
        return pd.concat([share, self.shares.std(ddof=1).rename("std err"), _percentiles(self.shares, alpha)], axis=1)

    def curves(
        self, times: Any = None, *, level: float = 0.95, tcov: Any = None, outcome: str | int | None = None
    ) -> pd.DataFrame:
        """The fit's curves with percentile bands of the replicates' curves, on the outcome's scale.

        ``times``, ``tcov`` and ``outcome`` are as for :meth:`GBTMResults.predict`, whose columns these are.
        """
        from ..fit.predictions import below_each_other
        from ..record.rebuild import layout_of

        names, layout = self.res.outcome_names, layout_of(self.res)
        flats = list(self.moved) or [(layout, layout.unreport(params)) for params in self.params.to_numpy()]
        if len(names) == 1 or outcome is not None:
            return self._curves(flats, 0 if outcome is None else number_of(names, outcome), times, level, tcov)
        return below_each_other({
            name: self._curves(flats, m, times, level, tcov) for m, name in enumerate(names)})

    def _curves(
        self, flats: list[tuple[Layout, np.ndarray]], m: int, times: Any, level: float, tcov: Any
    ) -> pd.DataFrame:
        from ..fit.predictions import profile_values
        from ..record.rebuild import layout_of

        one, layout = self.res.of_outcome(m + 1), layout_of(self.res)
        out = one.predict(times, level=level, tcov=tcov)
        at = out.iloc[:, 1].to_numpy()[: len(out) // one.n_groups]  # the time, whatever it is called
        at = at if one.curves.family.has_mean else np.unique(at)  # which each category has
        w = profile_values(one.curves, tcov, at.size)
        rows, drawn = layout.rows_of(layout.spec.set_of(m)), []  # of a dual model's pairs, one of each group
        for own, flat in flats:
            coefficients = {p: own.coefficients(flat, m, p)[rows] for p in one.curves.coefficients}
            bases = own.outcomes[m].bases if self.moved else one.curves.bases
            drawn.append(replace(one.curves, coefficients=coefficients, bases=bases).shown(at, w).ravel())
        lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return out.assign(**{"std err": np.std(drawn, axis=0, ddof=1), "lower": lower, "upper": upper})

    @property
    def sentence(self) -> str:
        """What was done, and what could not be done."""
        what = "samples of subjects" if self.kind == "subjects" else "samples drawn from the fit"
        out = f"Bootstrap of {self.n} {what}, groups matched to those of the fit by posterior probabilities."
        if self.failures:
            why = ", ".join(f"{count} {reason}" for reason, count in self.reasons.items())
            out += (
                f" {self.failures} further replicates are left out ({why}); if they are the odd ones, the intervals "
                "are too narrow."
            )
        if self.crossed > MANY_CROSSED * self.n:
            out += (
                f" In {self.crossed} of {self.n} replicates groups of unlike orders changed places: the people of one "
                "were found in another whose curve has another order, and the two cannot be matched. The intervals "
                "mix both and are too wide; a fit with one order for all groups has no such fault."
            )
        if self.chosen_groups is not None:
            choices = ", ".join(f"{k} in {100 * s:.0f} %" for k, s in self.chosen_groups["share"].items())
            out += f" BIC (n = subjects) chose so many groups: {choices}."
        if self.unfitted:
            out += f" {self.unfitted} fits with another number of groups failed and could not be chosen."
        if self.kind == "parametric" and COVARIANCE_KINDS[self.res.cov_type].units == "clusters":
            out += " The samples take subjects as independent, in spite of their clusters."
        return out

    def __repr__(self) -> str:
        return f"<Bootstrap: {self.sentence}>"


def _percentiles(values: pd.DataFrame, alpha: float) -> pd.DataFrame:
    check_level(alpha, "alpha", 0.05)
    return values.quantile([alpha / 2, 1 - alpha / 2]).T.set_axis(["lower", "upper"], axis=1)


@checked
def bootstrap(
    res: Fit, *, kind: str = "subjects", n: int = 200, groups: Sequence[int] | None = None, rng: int = 0,
    n_starts: int = STARTS, n_jobs: int | None = None, progress: Progress | bool | None = None,
) -> Bootstrap:
    """Bootstrap of a fit.

    Parameters
    ----------
    res : a fit
    kind : "subjects": subjects with all their measures are drawn with replacement; where the fit has clusters, n_h - 1
        of a stratum's n_h clusters, with weights n_h / (n_h - 1) (Rao, Wu and Yue 1992, Survey Methodology 18,
        209-217). "parametric": outcomes are drawn from the fit, all else stays as observed
    n : number of replicates
    groups : numbers of groups, for example [2, 3, 4], among which, and that of the fit, BIC chooses in each replicate;
        groups beyond those of the fit have the orders of its last one (of the last whose rate is not zero)
    rng : seed; the same digits for any ``n_jobs``
    n_starts : starts of each refit besides the estimates themselves; 0 for none, which is fast and stays close by
    n_jobs : worker processes, as for joblib
    progress : callable(sentence, seconds), True for lines on stderr

    Raises
    ------
    SpecificationError
        ``bad_kind``, ``bad_groups``; ``no_simulation`` for a parametric one with a dropout part.
    DataError
        When not even two replicates could be fitted.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1, family="normal").fit(rng=0)
    >>> boot = gbtm.bootstrap(res, n=10, n_starts=1)
    >>> boot.params.shape
    (10, 6)
    """
    from ..compute.progress import reporter
    from ..likelihood.matching import Matcher
    from ..likelihood.mixture import Mixture
    from ..likelihood.simulate import simulate
    from ..record.rebuild import prepared_of

    _check(kind, n, groups, n_starts, rng)
    if groups is not None:
        refuse_networks(res, "groups", "models with other numbers of groups", "Leave groups out.")
    model = prepared_of(res)
    panel, spec, bases = model.panel, model.spec, model.bases
    params = res.params.to_numpy()
    flat = model.layout.unreport(params)
    if kind == "parametric":
        simulate(model.layout, flat, panel, rng)  # refuses what cannot be drawn
    rivals = rivals_of(panel, spec, bases, groups, rng)
    matcher = Matcher(Mixture.near(model.layout, panel, flat), flat)
    jobs = [
        (Task(panel, spec, bases, params, kind, rivals, n_starts), seed)
        for seed in np.random.SeedSequence(rng).spawn(n)
    ]
    told, begun = reporter(progress), time.monotonic()
    draws: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    reasons: Counter[str] = Counter()
    choices: list[int] = []
    unfitted = crossed = 0
    moved: list[tuple[Layout, np.ndarray]] = []
    for i, draw in enumerate(spread(replicate, jobs, n_jobs=n_jobs)):
        if draw.why:
            reasons[draw.why] += 1
        else:
            own = model.layout.on_columns(draw.bases) if draw.bases else model.layout
            at = own.unreport(draw.params)
            order, is_crossed = matcher.order(at) if not draw.bases else (
                matcher.order_of(Matcher(Mixture.near(own, panel, at), at).reference))
            crossed += is_crossed
            draws[i] = model.layout.permute(draw.params, order), draw.shares[order]
            if draw.bases:
                moved.append((own, own.permute(at, order)))
                draws[i][0][own.given_units] = np.nan
            choices += [draw.chosen] if draw.chosen else []
            unfitted += draw.unfitted
        if told is not None:
            told(f"bootstrap: {i + 1} of {n} replicates", time.monotonic() - begun)
    if len(draws) < 2:
        raise DataError(
            f"bootstrap: {len(draws)} of {n} replicates could be fitted ({', '.join(reasons)}).", code="no_replicate",
            argument="res", way_out="Look at the fit's warnings, or fit a simpler model.",
        )
    index = pd.Index(list(draws), name="replicate")
    return Bootstrap(
        res=res, kind=kind, failures=sum(reasons.values()), reasons=dict(reasons), unfitted=unfitted,
        crossed=crossed, moved=tuple(moved),
        params=pd.DataFrame([p for p, _ in draws.values()], index=index, columns=res.params.index),
        shares=pd.DataFrame(
            [s for _, s in draws.values()], index=index, columns=res.class_names),
        chosen_groups=None if groups is None else _frequencies(choices, groups, spec.n_groups),
    )


def _check(kind: str, n: int, groups: Sequence[int] | None, n_starts: int, rng: int) -> None:
    if kind not in KINDS:
        raise SpecificationError(
            f"kind: {kind!r} is not known.", code="bad_kind", argument="kind",
            way_out=f"Use one of {', '.join(KINDS)}.",
        )
    check_count(n, "n", 200, least=2)
    check_count(n_starts, "n_starts", STARTS, least=0)
    check_seed(rng)
    if groups is not None and (not len(groups) or not all(is_count(k) for k in groups)):
        raise SpecificationError(
            f"groups: {groups!r} are not numbers of groups.", code="bad_groups", argument="groups",
            way_out="For example groups=[2, 3, 4].",
        )


def _frequencies(choices: list[int], groups: Sequence[int], n_groups: int) -> pd.DataFrame:
    index = pd.Index(sorted({*groups, n_groups}), name="groups")
    times = pd.Series(choices, dtype=int).value_counts().reindex(index, fill_value=0)
    return pd.DataFrame({"times": times, "share": times / max(len(choices), 1)})
