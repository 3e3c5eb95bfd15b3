"""What people will do next, given what was seen of them: Nagin's real-time prediction, as a whole distribution.

p(y_{t+h} | y_1 .. y_t) = sum_k P_k(y_1 .. y_t) f_k(y_{t+h}), with the posterior P_k updated wave by wave (Elmer, Jones
and Nagin 2018, BMC Medical Research Methodology 18, 152). Where f_k depends on the outcome before, the first step is
exact and further ones are averages of f_k over simulated paths. Errors that are correlated and random effects are
conditioned on: given the group, what was seen and what is to come are jointly normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from ..arguments import checked
from ..checks import check_count, check_level, check_seed
from ..errors import SpecificationError, warn
from ..families.levels import refuse_without_mean
from ..fit.new_data import panel_like
from ..fit.scoring import left_out, prior, probabilities
from ..model.squeezed import out_of_interval
from ..record.rebuild import layout_of
from .forecast_table import forecast_table
from .given_seen import given_seen
from .next_rows import NextRows, next_rows, seen_ids
from .predictive import Predictive

if TYPE_CHECKING:
    from ..data.panel import Panel
    from ..fit.fit import Fit

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LARGEST_LOG_RATE = 40.0  # of a count that is drawn on a path

@dataclass(frozen=True, eq=False)
class Forecast:
    """Predictive distributions of F observations to come.

    Attributes
    ----------
    table : DataFrame, a row each: the id, (of several outcomes which,) the time, ``step``, ``mean``, ``sd``, ``lower``
        and ``upper`` of the interval, ``p_positive`` = P(y > 0), a column for each quantile, ``q0.05``; with a dropout
        model ``stays``, the probability that the person is still seen then, given which the rest is. Of categories
        without an order it has the probability of each, ``p_employed``, in the place of all these
    level : of the interval
    draws : number of simulated paths where the outcome before is a covariate and steps are several; 0 where exact
    """

    table: pd.DataFrame
    level: float
    draws: int
    parts: tuple[tuple[np.ndarray, Predictive], ...]

    def __repr__(self) -> str:
        how = f"{self.draws} simulated paths a person" if self.draws else "exact"
        return f"<Forecast: {len(self.table)} rows, {how}>\n{self.table}"

    def _repr_html_(self) -> str:
        return str(self.table.to_html())

    def probabilities(self, values: Sequence[float]) -> pd.DataFrame:
        """P(y = v) of each row for each of ``values``; of an outcome without point masses their densities."""
        out = self._filled(len(values), lambda p: np.stack([np.exp(p.log_density(float(v))) for v in values], axis=1))
        return pd.DataFrame(out, index=self.table.index, columns=pd.Index(list(values), name="value"))

    def cdf(self, values: Sequence[float]) -> pd.DataFrame:
        """P(y <= v) of each row for each of ``values``; no outcome of categories without an order has it.

        Raises
        ------
        SpecificationError
            ``no_mean``.
        """
        for _, p in self.parts:
            refuse_without_mean(p.family, "cdf")
        out = self._filled(len(values), lambda p: np.stack([p.cumulative(float(v))[1] for v in values], axis=1))
        return pd.DataFrame(out, index=self.table.index, columns=pd.Index(list(values), name="value"))

    def log_score(self, y: Sequence[float] | np.ndarray | pd.Series) -> pd.Series:
        """log p(y) of each row (F,), once the outcomes are known; NaN where they are not."""
        known = np.asarray(y, dtype=float)
        if known.shape != (len(self.table),):
            raise SpecificationError(
                f"y: {known.size} outcomes for {len(self.table)} rows.", code="bad_outcome", argument="y",
                way_out="Give one per row of the table, in its order, NaN where it is not known.",
            )
        out = np.full(known.size, np.nan)
        for rows, p in self.parts:
            here = np.isfinite(known[rows])
            out[rows[here]] = p.take(np.flatnonzero(here)).log_density(known[rows[here]])
        return pd.Series(out, index=self.table.index, name="log score")

    def _filled(self, width: int, of: Any) -> np.ndarray:
        out = np.empty((len(self.table), width))
        for rows, p in self.parts:
            out[rows] = of(p)
        return out


@checked
def forecast(
    res: Fit, people: pd.DataFrame, *, steps: int = 1, times: Sequence[float] | float | None = None,
    future: pd.DataFrame | None = None, quantiles: Sequence[float] = QUANTILES, level: float = 0.95,
    draws: int = 2000, rng: int = 0,
) -> Forecast:
    """The predictive distribution of everybody's next waves, from the waves seen.

    Parameters
    ----------
    people : a table in the form of the one that was fitted, of people new or known; who has no observation gets the
        prior. Rows of a person after the last that was seen, with a missing outcome, are the waves to come, with their
        covariates
    steps : how many waves ahead
    times : when they are, one time per step, the same for all; default the waves of the fit after a person's last, and
        after those at their usual distance
    future : further rows: a long table with ids, times, time-varying covariates and exposure
    quantiles, level : of the distributions; ``level`` is that of lower and upper, with as much on either side
    draws, rng : number of simulated paths a person and their seed, used only for ``steps`` after the first of a model
        with ``lag("y")``; all else is exact

    Returns
    -------
    Forecast

    Raises
    ------
    DataError
        ``no_future``: covariates of the waves to come are not known.
    SpecificationError
        ``no_inputs``, for a fit that does not say how its table was read; ``no_forecast``, for censored outcomes with
        correlated errors, and for dropout that depends on more than the last waves seen.

    Notes
    -----
    The parameters are taken as known. With a dropout model the distribution is that of those who are still seen.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1).fit(rng=0)
    >>> res.forecast(data.query("id == 1 and t < 3"), steps=2).table.columns[:4].tolist()
    ['id', 't', 'step', 'mean']
    """
    seed = check_asked(res, steps, quantiles, level, draws, rng)
    if times is not None and np.ndim(times) == 0:
        times = [float(times)]  # type: ignore[arg-type]
    panel = panel_like(res, people)
    warn_left_out(res, panel)
    if len(res.outcomes) == 1:
        return forecast_panel(res, panel, [next_rows(res, people, steps, times, future)], quantiles, level, draws, seed)
    if future is not None:
        raise SpecificationError(
            "future: of several outcomes it is not read.", code="several_outcomes", argument="future",
            way_out="Leave it out, or put the rows into the table of people.",
        )
    rows = [next_rows(res.of_outcome(name), people, steps, times, None) for name in res.outcome_names]
    return forecast_panel(res, panel, rows, quantiles, level, draws, seed)


def warn_left_out(res: Fit, panel: Panel) -> None:
    """Say which rows of people could not be used: a wave without an outcome is missed or still to come, and no loss."""
    used = replace(panel, dropped=replace(panel.dropped, missing_outcome=0))
    sentence = left_out(used) if res.outcomes[0].lags is None else ""  # first waves are left out by design
    if sentence:
        warn(f"people: {sentence}")


def check_asked(res: Fit, steps: int, quantiles: Sequence[float], level: float, draws: int, rng: int) -> int:
    """Refuse what no forecast can be made of; the seed."""
    check_count(steps, "steps", 1)
    check_count(draws, "draws", 2000)
    check_level(level)
    for q in quantiles:
        check_level(q, "quantiles", 0.5)
    _refuse(res, steps)
    return check_seed(rng)


def _refuse(res: Fit, steps: int) -> None:
    if res.event is not None:
        raise SpecificationError(
            "forecast: the model has a time to an event, after which there may be no outcome to foretell.",
            code="no_forecast", argument="res", way_out="Ask for the event: predict_event().",
        )
    dropout = res.dropout
    if dropout is not None and (dropout.covariates is not None or (steps > 1 and max(dropout.orders) > 0)):
        raise SpecificationError(
            "steps: dropout here depends on " + ("covariates" if dropout.covariates is not None else "the last outcome")
            + ", which nobody knows of the waves to come.", code="no_forecast", argument="steps",
            way_out="Ask for steps=1 of a model without dcov, or fit without dropout.",
        )
    for outcome in res.outcomes:
        correlated = outcome.spec.ar1 or outcome.spec.random_orders is not None
        if correlated and outcome.lags is not None and steps > 1:
            raise SpecificationError(
                f"steps: {outcome.name} has correlated errors and a lag, whose paths are not simulated.",
                code="no_forecast", argument="steps", way_out="Ask for steps=1, or fit without one of the two.",
            )


def forecast_panel(
    res: Fit, panel: Panel, rows: list[NextRows], quantiles: Sequence[float], level: float, draws: int, rng: int
) -> Forecast:
    """:func:`forecast` of a panel of people, with the rows to come of each outcome."""
    layout = layout_of(res)
    found = probabilities(res, layout, panel)[0] if panel.n_subjects else np.zeros((0, layout.spec.n_classes))
    if panel.unobserved is not None:
        found = np.vstack([found, prior(res, layout, panel.unobserved.known)[0]])
    ids = seen_ids(panel)
    parts, tables, simulated, n_before = [], [], False, 0
    for m, name in enumerate(res.outcome_names):
        own = layout.class_groups[layout.spec.set_of(m)]
        one = res if len(res.outcomes) == 1 else res.of_outcome(name)
        weights = np.stack([found[:, own == k].sum(axis=1) for k in range(int(own.max()) + 1)])  # (K, N)
        at = rows[m]
        person = ids.get_indexer(pd.Index(at.ids))
        at = _take(at, np.flatnonzero(person >= 0))
        person = person[person >= 0]
        made, stays = _of_outcome(one, panel, m, at, person, weights, draws, np.random.default_rng([rng, m]))
        simulated |= any(p.weights.shape[0] > weights.shape[0] for _, p in made)
        tables.append(forecast_table(one, at, made, quantiles, level, stays, name if len(rows) > 1 else None))
        parts += [(r + n_before, p) for r, p in made]
        n_before += len(tables[-1])
    return Forecast(pd.concat(tables, ignore_index=True), level, draws if simulated else 0, tuple(parts))


def _take(rows: NextRows, at: np.ndarray) -> NextRows:
    new = np.full(rows.time.size + 1, -1)
    new[at] = np.arange(at.size)
    return NextRows(
        rows.ids[at], rows.step[at], rows.time[at], rows.covariates[at],
        None if rows.exposure is None else rows.exposure[at], new[rows.lag_rows[at]], rows.lag_values[at])


def _of_outcome(
    res: Fit, panel: Panel, m: int, rows: NextRows, person: np.ndarray, weights: np.ndarray, draws: int,
    rng: np.random.Generator,
) -> tuple[list[tuple[np.ndarray, Predictive]], np.ndarray | None]:
    """The distributions of an outcome's rows, and with dropout the probability of being seen (F,)."""
    curves = res.curves
    share, stays = weights[:, person], None
    if res.dropout is not None and m == 0:
        share, stays = _staying(res, panel, rows, person, share)
    first = np.flatnonzero((rows.lag_rows < 0).all(axis=1)) if rows.lag_rows.shape[1] else np.arange(rows.time.size)
    u = curves.predictors(rows.time, rows.covariates if rows.covariates.shape[1] else None, rows.exposure)
    u = given_seen(res, panel, m, rows, person, u)
    whole = Predictive(curves.family, share, u, res.outcome.spec.squeezed_by or 0)
    parts = [(first, whole.take(first))]
    if first.size < rows.time.size:
        parts += _paths(res, rows, whole, first, person, draws, rng)
    return parts, stays


def _paths(
    res: Fit, rows: NextRows, whole: Predictive, first: np.ndarray, person: np.ndarray, draws: int,
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, Predictive]]:
    """The later steps, by simulated paths: each has a group, drawn from the posterior, and draws step after step."""
    curves, lags = res.curves, res.outcome.lags
    assert lags is not None
    n_rows = rows.time.size
    upper = np.cumsum(whole.weights, axis=0)  # (K, F); a person's rows have the same
    leader = pd.Series(np.arange(n_rows)).groupby(person).transform("first").to_numpy()
    point = (np.arange(draws)[:, None] + rng.random((1, n_rows))) / draws
    group = np.minimum((point[:, None, :] > upper[None]).sum(axis=1), upper.shape[0] - 1)[:, leader]  # (D, F)
    y, out = np.zeros((draws, n_rows)), []
    y[:, first] = _drawn(whole, {k: np.take_along_axis(v[:, first], group[:, first], axis=0)
                                 for k, v in whole.predictors.items()}, rng)
    for step in np.unique(rows.step):
        at = np.setdiff1d(np.flatnonzero(rows.step == step), first)
        if not at.size:
            continue
        source = rows.lag_rows[at]
        values = np.where(source >= 0, y[:, np.maximum(source, 0)], rows.lag_values[at])  # (D, R, L)
        flat = {c: values[..., j].ravel() for j, c in enumerate(lags.columns)}
        times = np.tile(rows.time[at], draws)
        w = lags.covariates(flat, times, np.tile(rows.covariates[at], (draws, 1)))
        exposure = None if rows.exposure is None else np.tile(rows.exposure[at], draws)
        u = curves.predictors(times, w, exposure)
        own = {k: np.take_along_axis(np.broadcast_to(v, (v.shape[0], times.size)), group[:, at].reshape(1, -1), axis=0)
               .reshape(draws, at.size) for k, v in u.items()}
        if curves.family.is_count:
            own["mean"] = np.minimum(own["mean"], LARGEST_LOG_RATE)
        y[:, at] = _drawn(whole, own, rng)
        out.append((at, replace(whole, weights=np.full((draws, at.size), 1 / draws), predictors=own)))
    return out


def _drawn(whole: Predictive, u: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Draws of the family of ``whole``, on the scale of the outcome, which is that of its lags."""
    family: Any = whole.family
    if family.is_count:
        u = {**u, "mean": np.minimum(u["mean"], LARGEST_LOG_RATE)}
    y = family.simulate(u, rng)
    if whole.squeezed_by:
        return np.clip(out_of_interval(y, whole.squeezed_by), 0.0, 1.0)
    low, high = getattr(family, "lower", -np.inf), getattr(family, "upper", np.inf)
    return np.asarray(np.clip(y, low, high) if family.has_bounds else y)


def _staying(
    res: Fit, panel: Panel, rows: NextRows, person: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors (K, F) of those who are still seen then, and the probability that they are (F,)."""
    dropout, layout = res.dropout, layout_of(res)
    assert dropout is not None
    n, lags = panel.n_subjects, max(dropout.orders)
    last = np.zeros((n + int(person.max(initial=0)) + 1, max(lags, 0)))
    known = np.zeros(last.shape[0])
    if lags > 0 and panel.n_subjects:
        measures = panel.outcomes[0]
        for i in range(n):
            mine = measures.y[measures.subject == i][::-1][:lags]
            last[i, : mine.size], known[i] = mine, mine.size
    part = layout.parts[-1]
    columns = part.columns("dropout", np.zeros(person.size), np.column_stack([known[person], last[person]]))
    eta = layout.coefficients(res.internal.params, len(layout.parts) - 1, "dropout") @ columns.T
    orders = np.array(dropout.orders)[:, None]
    counts = (orders >= 0) & (known[person] >= orders)
    stay = np.where(counts, 1 - expit(eta), 1.0) ** rows.step
    seen = share * stay
    total = seen.sum(axis=0)
    return seen / np.maximum(total, 1e-300), total
