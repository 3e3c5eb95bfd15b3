"""Who belongs where, among people who were not fitted: posteriors of new subjects, wave by wave if asked.

P_ik = pi_k(z_i) f_k(y_i) / sum_l pi_l(z_i) f_l(y_i) with whatever was seen of subject i so far; where nothing was seen
that is the prior pi_k(z_i). The interval carries the uncertainty of the parameters: the delta method on the scale of
log(P / (1 - P)), so that it stays between 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import reach
from ..data.event_times import STATUS, censored_at
from ..data.measures import History
from ..data.output_names import apart
from ..data.panel import Panel
from ..data.subjects import Subjects
from ..errors import DataError, SpecificationError, warn
from ..record.rebuild import for_scoring, layout_of
from .new_data import panel_like

if TYPE_CHECKING:
    from ..model.layout import Layout
    from .fit import Fit


GROUPS = {1: ("group",), 2: ("group1", "group2")}  # columns that say which, by the number of sets of groups
COLUMNS = ("group", "group1", "group2", "probability", "lower", "upper", "assigned", "_position")


@checked
def classify(res: Fit, newdata: pd.DataFrame, *, by_wave: bool = False, level: float = 0.95) -> pd.DataFrame:
    """Probability of each group for new subjects.

    Parameters
    ----------
    newdata : a table in the form of the one that was fitted (long or wide, the same column names); histories may be
        as short as one observation. Who has none, or is in a table without a column of outcomes, gets the prior: what
        the membership covariates say, or the group shares. A warning says who.
    by_wave : after each wave, from what was seen up to it; of several outcomes after each time that they have. Of a
        time to an event that is whether it had come by then
    level : of the interval for each probability

    Returns
    -------
    DataFrame
        One row per subject (with ``by_wave``: and wave) and group: the id, the time of the last observation used (NaN
        where there is none), group, probability, lower, upper, and whether it is the subject's
        ``assigned`` group. Of a dual model a row for each pair of groups, in columns group1 and group2

    Raises
    ------
    SpecificationError
        When the fit was not made from a formula and a table.
    DataError
        As for the fit: unknown columns, values that the family cannot take.
    """
    return classify_panel(res, panel_like(res, newdata), by_wave=by_wave, level=level)


@checked
def classify_panel(res: Fit, panel: Panel, *, by_wave: bool = False, level: float = 0.95) -> pd.DataFrame:
    """:func:`classify` for a :class:`~gbtm.data.panel.Panel`."""
    check_level(level)
    if by_wave and len(panel.outcomes) > 1:
        _refuse_other_times(res)
    layout = layout_of(res)
    _same_covariates(panel, layout)
    _same_event(res, panel)
    for sentence in (left_out(panel), "" if panel.unobserved is None else panel.unobserved.sentence()):
        if sentence:
            warn(f"newdata: {sentence}")
    tables: list[pd.DataFrame] = []
    unobserved = panel.unobserved
    if panel.n_subjects:
        tables = [_observed(res, layout, *part, level) for part in (_by_wave(panel) if by_wave else [_whole(panel)])]
    if unobserved is not None:
        for table in tables:
            table["_position"] = unobserved.others[table["_position"].to_numpy()]
        nowhen = np.full(len(unobserved.ids), np.nan)
        found = prior(res, layout, unobserved.known)
        tables.append(_table(res, unobserved.ids, nowhen, unobserved.place, found, level))
    out = pd.concat(tables, ignore_index=True)
    columns = ["_position", out.columns[1], *GROUPS[len(res.spec.set_sizes)]]
    in_order = out.sort_values(columns, kind="stable", ignore_index=True)
    return in_order.drop(columns="_position")


def left_out(panel: Panel) -> str:
    """What was left out of a table of new people, in a sentence; empty for nothing."""
    gone = panel.dropped
    return gone.sentence() if gone.subjects or gone.observations or gone.incomplete_subjects else ""


def _same_covariates(panel: Panel, layout: Layout) -> None:
    known = panel.subjects if panel.unobserved is None else panel.unobserved.known
    second = () if layout.transitions is None else layout.transitions.basis.names
    for given, wanted in ((known.risk_names, layout.membership.names[1:]), (known.risk2_names, second)):
        if _bare(given) != _bare(wanted):
            raise DataError(
                f"newdata: membership covariates {list(given)} instead of {list(wanted)}.",
                code="other_covariates", argument="newdata", way_out="Give the columns that were fitted.",
            )


def _same_event(res: Fit, panel: Panel) -> None:
    """Refuse times to an event with other covariates or more causes than those of the fit."""
    known = panel.subjects
    if known.event is None or res.event is None:
        return
    if _bare(known.event_names) != _bare(res.event.names):
        raise DataError(
            f"newdata: covariates of the event {list(known.event_names)} instead of {list(res.event.names)}.",
            code="other_covariates", argument="newdata", way_out="Give the columns that were fitted.",
        )
    if (known.event[:, STATUS] > res.event.spec.n_causes).any():
        raise DataError(
            f"newdata: a cause of the event above {res.event.spec.n_causes}, which the fit does not have.",
            code="bad_event", argument="newdata", way_out="Leave the columns of the event out, or recode the causes.",
        )


def _bare(names: tuple[str, ...]) -> list[str]:
    """``region[T.south]`` and ``C(region)[T.south]``, as formulaic names a level, as R does: ``regionsouth``."""
    inside = [re.sub(r"^(?:C|factor|as\.factor)\(([^()]*)\)", r"\1", name) for name in names]
    return [re.sub(r"\[T\.([^\]]*)\]$", r"\1", name) for name in inside]


def _refuse_other_times(res: Fit) -> None:
    """Several outcomes go up to a time together where they have one."""
    times = list(dict.fromkeys(o.time_name for o in res.outcomes))
    ask = "res.of_outcome(name).classify(newdata, by_wave=True)"
    if len(times) > 1:
        raise SpecificationError(
            f"by_wave: the outcomes go by different times, {', '.join(times)}.", code="several_outcomes",
            argument="by_wave", way_out=f"Leave it out, or ask one outcome: {ask}.",
        )
    if res.dropout is not None:
        raise SpecificationError(
            "by_wave: dropout goes by the waves of one outcome, and what several say goes by their times.",
            code="several_outcomes", argument="by_wave", way_out=f"Leave it out, or ask one outcome: {ask}.",
        )


def _whole(panel: Panel) -> tuple[Panel, np.ndarray]:
    return panel, np.arange(panel.n_subjects)


def _by_wave(panel: Panel) -> Iterator[tuple[Panel, np.ndarray]]:
    """What was seen up to each wave, of several outcomes up to each time, and who was seen then."""
    if len(panel.outcomes) == 1:
        for wave in np.unique(panel.outcomes[0].wave).tolist():
            yield _until(panel, wave)
        return
    for time in np.unique(np.concatenate([m.time for m in panel.outcomes])):
        here = np.unique(np.concatenate([m.subject[m.time == time] for m in panel.outcomes]))
        part = panel.subset(here)
        outcomes = tuple(m.take(np.flatnonzero(m.time <= time), m.subject) for m in part.outcomes)
        known = _known_at(part.known, np.full(here.size, time))
        yield replace(part, outcomes=outcomes, history=None, departures=None, known=known), here


def _until(panel: Panel, wave: int) -> tuple[Panel, np.ndarray]:
    """What was seen up to a wave, and the positions of the subjects seen at that wave."""
    m = panel.outcomes[0]
    here = np.unique(m.subject[m.wave == wave])
    rows = np.flatnonzero((m.wave <= wave) & np.isin(m.subject, here))
    new = np.full(panel.n_subjects, -1)
    new[here] = np.arange(here.size)
    history = panel.history
    if history is not None:
        seen = history.take(new)
        history = _cut(seen, wave)
    last = np.full(here.size, -np.inf)
    np.maximum.at(last, new[m.subject[rows]], m.time[rows])
    cut = replace(
        panel, ids=panel.ids[here], outcomes=(m.take(rows, new[m.subject]),), history=history, departures=None,
        known=None if panel.known is None else _known_at(panel.known.take(here), last),
    )
    return cut, here


def _known_at(known: Subjects | None, time: np.ndarray) -> Subjects | None:
    """What was known of people at these times (N,): not yet when they will have an event."""
    return known if known is None or known.event is None else replace(known, event=censored_at(known.event, time))


def _cut(history: History, wave: int) -> History:
    rows = np.flatnonzero(history.wave <= wave)
    return replace(
        history, subject=history.subject[rows], wave=history.wave[rows], y=history.y[rows],
        covariates=history.covariates[rows],
    )


def _observed(res: Fit, layout: Layout, panel: Panel, position: np.ndarray, level: float) -> pd.DataFrame:
    last = np.full(panel.n_subjects, -np.inf)
    for m in panel.outcomes:
        np.maximum.at(last, m.subject, m.time)
    return _table(res, panel.ids, last, position, probabilities(res, layout, panel), level)


def _table(
    res: Fit, ids: pd.Index, last: np.ndarray, position: np.ndarray, found: tuple[np.ndarray, np.ndarray], level: float
) -> pd.DataFrame:
    """``found`` are probabilities (N, K) and their standard errors, ``last`` (N,) the times up to which they count."""
    p, se = found
    z = reach(level, res.df_inference)
    with np.errstate(divide="ignore", invalid="ignore"):
        logit, spread = np.log(p) - np.log1p(-p), se / (p * (1 - p))
        low, high = (1 / (1 + np.exp(-(logit + sign * z * spread))) for sign in (-1, 1))
    certain = (p <= 0) | (p >= 1)
    low, high = np.where(certain, p, low), np.where(certain, p, high)
    n, groups = p.shape
    sizes = res.spec.set_sizes
    of_groups = dict(zip(GROUPS[len(sizes)], np.indices(sizes).reshape(-1, groups) + 1, strict=True))
    who, when = apart([ids.name or "id", res.time_name if len(res.outcomes) == 1 else "time"], COLUMNS)
    out: dict[str, Any] = {
        who: np.repeat(ids.to_numpy(), groups), when: np.repeat(last, groups),
        **{name: np.tile(which, n) for name, which in of_groups.items()}, "probability": p.ravel(),
        "lower": low.ravel(), "upper": high.ravel(),
        "assigned": (p.argmax(axis=1)[:, None] == np.arange(groups)).ravel(),
        "_position": np.repeat(position, groups),
    }
    return pd.DataFrame(out)


def probabilities(res: Fit, layout: Layout, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors (N, K) of a panel's subjects, and their standard errors from the parameters' covariance."""
    import torch

    from ..compute.threads import workers
    from ..likelihood.derivatives import posterior_gradient
    from ..likelihood.mixture import Mixture

    ready = for_scoring(panel, layout.spec)
    module = Mixture.near(layout, ready, res.internal.params)
    flat, cov = torch.as_tensor(res.internal.params), torch.as_tensor(res.internal.cov)
    with workers(), torch.no_grad():
        posterior, variance = posterior_gradient(module, flat, cov)
    p, se = posterior.numpy(), np.sqrt(np.maximum(variance.numpy(), 0.0))
    return (p, se) if module.expand is None else (p[module.expand], se[module.expand])


def prior(res: Fit, layout: Layout, known: Subjects) -> tuple[np.ndarray, np.ndarray]:
    """pi_k(z_i) (N, K) of people with membership covariates, if the model has any, and their standard errors.

    d pi_k / d theta_j = pi_k (1[j = k] - pi_j) z. Of a dual model they are those of the pairs of groups (N, C).
    """
    flat, index = res.internal.params, layout.theta_index
    p = layout.shares_given(flat, known.risk, known.risk2)
    if layout.transitions is not None:
        gradient = p[:, :, None] * layout.class_scores_given(flat, known.risk, known.second_risk)
        variance = np.einsum("ncp,pq,ncq->nc", gradient, res.internal.cov, gradient, optimize=True)
        return p, np.sqrt(np.maximum(variance, 0.0))
    z = layout.membership.internal(known.risk) if layout.membership.width > 1 else np.ones((len(p), 1))
    here = index < layout.size  # (K, R); the reference group has none
    free = np.flatnonzero(here.any(axis=1))
    at = index[free].ravel()
    cov = res.internal.cov[np.ix_(at, at)].reshape(free.size, z.shape[1], free.size, z.shape[1])
    spread = np.einsum("nr,jrls,ns->njl", z, cov, z, optimize=True)  # of the linear predictors (N, J, J)
    slope = p[:, :, None] * (np.eye(p.shape[1])[:, free] - p[:, None, free])  # (N, K, J)
    return p, np.sqrt(np.maximum(np.einsum("nkj,njl,nkl->nk", slope, spread, slope, optimize=True), 0.0))


def ids_of_scored(panel: Panel) -> pd.Index:
    """Everybody of a panel, in the order of the table: those observed, and those of whom there is no observation."""
    apart = panel.unobserved
    return panel.ids if apart is None else panel.ids.append(apart.ids)[apart.order]
