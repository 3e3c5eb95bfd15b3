"""Dynamic prediction of an event for new people: P(event by t + s | none up to t, the outcomes seen up to t).

    sum_k w_k [1 - S_k(t + s) / S_k(t)],    w_k proportional to pi_k f_k(outcomes up to t) S_k(t) / S_k(entry)

The interval is the delta method's on the scale of log(-log(1 - P)), with the parameters of the groups' weights and of
the hazards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..columns.formula_design import covariate_columns
from ..columns.reading import number_array, numeric, require_columns
from ..compute.reference_distribution import reach
from ..data.event_times import ENTRY, FIRST, STATUS, TIME, UPPER, EventColumns
from ..data.ids import id_column
from ..data.output_names import apart
from ..data.panel import Panel
from ..data.subjects import Subjects, constant_within
from ..errors import SpecificationError, warn
from ..fit.event_hazards import EventHazards
from ..fit.new_data import panel_like, with_event, with_levels
from ..inference.event_curves import band, errors_of
from ..record.rebuild import for_scoring, layout_of

if TYPE_CHECKING:
    from ..fit.fit import Fit

PEOPLE = 2000  # in a block: the derivatives of each person in each group and parameter are held


@checked
def predict_event(
    res: Fit, newdata: pd.DataFrame, horizon: float | Sequence[float] = 1.0, *, landmark: float | None = None,
    by_wave: bool = False, cause: int | None = None, level: float = 0.95,
) -> pd.DataFrame:
    """Probability of an event within given times for people who have had none, from their outcomes so far.

    Parameters
    ----------
    newdata : a table in the form of the one that was fitted, with the outcomes up to now and the covariates of the
        event; its columns of the event's time and status are not looked at
    horizon : how far ahead, one or more numbers
    landmark : the time up to which there was no event, and outcomes are used; each person's last wave when not given
    by_wave : after each wave, from what was seen up to it
    cause : of competing events, the one that is foretold; any when not given
    level : of the intervals

    Returns
    -------
    DataFrame with the id, the time ``landmark`` (t), ``horizon`` (s), ``probability``, std err, lower, upper

    Raises
    ------
    SpecificationError
        ``no_event`` for a model without; ``bad_horizon``, ``bad_cause``, ``bad_landmark``; ``several_outcomes`` for
        by_wave of outcomes with different waves.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> data["T"], data["died"] = 2.0 + data["id"] % 7, 1
    >>> event = gbtm.Event(time="T", status="died")
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, event=event).fit(rng=0)
    >>> soon = res.predict_event(data[data["id"] == 3], horizon=[1, 2], landmark=2)
    >>> bool(soon["probability"].is_monotonic_increasing)
    True
    """
    EventHazards.of(res)
    bare = newdata.drop(columns=[c for c in _event_columns(res) if c in newdata])
    panel = panel_like(res, bare)
    panel = replace(panel, known=_with_covariates(res, newdata, panel))
    return predict_event_panel(res, panel, horizon, landmark=landmark, by_wave=by_wave, cause=cause, level=level)


def predict_event_panel(
    res: Fit, panel: Panel, horizon: float | Sequence[float] = 1.0, *, landmark: float | None = None,
    by_wave: bool = False, cause: int | None = None, level: float = 0.95,
) -> pd.DataFrame:
    """:func:`predict_event` for the people of a panel, of whom entry and covariates of the event are known."""
    check_level(level)
    hazards = EventHazards.of(res)
    steps = _steps(horizon)
    _check(hazards, landmark, by_wave, cause)
    tables = [
        _table(res, hazards, part, now, steps, cause, level)
        for part, now in _landmarks(panel, landmark, by_wave) if part.n_subjects]
    lost = panel.n_subjects - (len(set(pd.concat(tables).iloc[:, 0])) if tables else 0)
    if lost:
        warn(f"newdata: {lost} people have no outcome up to the landmark or no covariates, and are left out.")
    if not tables:
        raise SpecificationError(
            "newdata: nobody has an outcome up to the landmark.", code="no_data", argument="newdata",
            way_out="Give a later landmark, or leave it out.",
        )
    return pd.concat(tables, ignore_index=True)


def _steps(horizon: Any) -> np.ndarray:
    steps = np.atleast_1d(number_array(horizon, "horizon")).ravel()
    if not steps.size or not np.isfinite(steps).all() or (steps <= 0).any():
        raise SpecificationError(
            "horizon: not numbers above 0 throughout.", code="bad_horizon", argument="horizon",
            way_out="For example horizon=[1, 2, 5], in the units of the event's time.",
        )
    return steps


def _check(hazards: EventHazards, landmark: float | None, by_wave: bool, cause: int | None) -> None:
    hazards.check_cause(cause)
    if landmark is not None and (by_wave or not np.isfinite(landmark) or landmark < 0):
        raise SpecificationError(
            "landmark: " + ("each wave is one with by_wave." if by_wave else f"{landmark} is not 0 or more."),
            code="bad_landmark", argument="landmark", way_out="Leave one of them out." if by_wave else "Give a time.",
        )


def _event_columns(res: Fit) -> list[str]:
    """Columns that say when the event was."""
    stored = (res.inputs or {}).get("event")
    return [] if stored is None else [c for c in (stored.get("time"), stored.get("status"), stored.get("upper")) if c]


def _with_covariates(res: Fit, newdata: pd.DataFrame, panel: Panel) -> Subjects:
    """What is known of the panel's people, with the covariates of the event and their entry; the time is still 0."""
    known = panel.known if panel.known is not None else Subjects.nothing(panel.n_subjects)
    stored = (res.inputs or {}).get("event")
    if stored is None:
        raise SpecificationError(
            "newdata: the fit does not say from which columns its event was read.", code="no_inputs",
            argument="newdata", way_out="Fit from a formula and a table.",
        )
    assert res.event is not None
    event = np.zeros((panel.n_subjects, FIRST + len(res.event.names)))
    entry = stored.get("entry")
    if res.event.names or entry in newdata:
        table = with_levels(newdata, (res.inputs or {})["levels"])
        filled = with_event(res, {"event": {**stored, "time": table.columns[0]}}, table)["event"]
        columns = EventColumns(str(table.columns[0]), covariates=filled["covariates"])
        used = [c for c in columns.used_in(table)[1:]] + ([entry] if entry in table else [])
        require_columns(table, used, "event")
        people = _one_row_each(res, table, used, panel)
        event[:, FIRST:] = covariate_columns(columns.covariates, people, "event")[0]
        event[:, ENTRY] = numeric(people[entry], entry) if entry in table else 0.0
    return replace(known, event=event, event_names=res.event.names)


def _one_row_each(res: Fit, table: pd.DataFrame, used: list[str], panel: Panel) -> pd.DataFrame:
    """One row for each of the panel's people."""
    inputs = res.inputs or {}
    id = inputs.get("id")
    who = table.index.to_series() if id is None else id_column(table, id)
    codes, levels = pd.factorize(who)
    one = constant_within(codes, table, used, len(levels), pd.Index(levels))
    return one.iloc[pd.Index(levels).get_indexer(panel.ids)].reset_index(drop=True)


def _landmarks(panel: Panel, landmark: float | None, by_wave: bool) -> Iterator[tuple[Panel, np.ndarray]]:
    """Who is foretold at a time, and these times (n,)."""
    event = panel.subjects.event
    assert event is not None
    lacking = np.isnan(event[:, [ENTRY, *range(FIRST, event.shape[1])]]).any(axis=1)
    good = np.flatnonzero(panel.subjects.complete & ~lacking)
    panel = panel.subset(good) if good.size < panel.n_subjects else panel
    last = np.full(panel.n_subjects, -np.inf)
    for m in panel.outcomes:
        np.maximum.at(last, m.subject, m.time)
    if not by_wave:
        yield _seen_by(panel, last if landmark is None else np.full(panel.n_subjects, float(landmark)))
        return
    for time in np.unique(np.concatenate([m.time for m in panel.outcomes])):
        here = np.unique(np.concatenate([m.subject[m.time == time] for m in panel.outcomes]))
        yield _seen_by(panel.subset(here), np.full(here.size, time))


def _seen_by(panel: Panel, now: np.ndarray) -> tuple[Panel, np.ndarray]:
    """Those seen by then, with what was seen: outcomes up to then, and no event."""
    kept = [m.take(np.flatnonzero(m.time <= now[m.subject])) for m in panel.outcomes]
    seen = np.unique(np.concatenate([m.subject for m in kept]))
    part = replace(panel, outcomes=tuple(kept)).subset(seen)
    now = now[seen]
    assert part.known is not None
    assert part.known.event is not None
    event = part.known.event.copy()
    event[:, TIME], event[:, STATUS], event[:, UPPER] = now, 0.0, now
    event[~(now > event[:, ENTRY]), TIME] = np.nan
    return replace(part, known=replace(part.known, event=event), history=None, departures=None), now


def _table(
    res: Fit, hazards: EventHazards, panel: Panel, now: np.ndarray, steps: np.ndarray, cause: int | None, level: float
) -> pd.DataFrame:
    """A row for each person and horizon."""
    assert panel.known is not None
    assert panel.known.event is not None
    x, n, h = panel.known.event[:, FIRST:], panel.n_subjects, steps.size
    now = np.maximum(now, 0.0)
    value, spread = np.zeros((n, h)), np.zeros((n, h))
    for rows, weight, scores in _weights(res, panel):
        mean = np.einsum("nk,nkp->np", weight, scores)
        for j, step in enumerate(steps):
            q, slope = _by_group(hazards, now[rows], now[rows] + step, x[rows], cause)
            value[rows, j] = (weight * q.T).sum(axis=1)
            gradient = np.einsum("nk,kn,nkp->np", weight, q, scores - mean[:, None])
            gradient += np.einsum("nk,knp->np", weight, slope)
            spread[rows, j] = errors_of(res, gradient)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = -np.log1p(-value)
        lower, upper = band(total, spread / (1 - value), reach(level, res.df_inference))
    (who,) = apart([str(panel.ids.name or "id")], ["landmark", "horizon", "probability", "std err", "lower", "upper"])
    return pd.DataFrame({
        who: np.repeat(panel.ids.to_numpy(), h), "landmark": np.repeat(now, h), "horizon": np.tile(steps, n),
        "probability": value.ravel(), "std err": spread.ravel(), "lower": lower.ravel(), "upper": upper.ravel(),
    })


def _by_group(
    hazards: EventHazards, start: np.ndarray, end: np.ndarray, x: np.ndarray, cause: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """P (K, n) of an event between two times in each group, given none up to the first, and its derivatives."""
    if cause is not None:
        return hazards.incidence(cause - 1, start, end, x)
    (first, first_slope), (last, last_slope) = hazards.all_causes(start, x), hazards.all_causes(end, x)
    left = np.exp(first - last)
    return 1 - left, left[:, :, None] * (last_slope - first_slope)


def _weights(res: Fit, panel: Panel) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each block of people their positions, the probabilities (n, K) of the groups, and the derivatives (n, K, p) of
    log pi_k f_k in the parameters."""
    import torch

    from ..likelihood.derivatives import group_scores
    from ..likelihood.mixture import Mixture

    layout, params = layout_of(res), res.internal.params
    flat = torch.as_tensor(params)
    for at in range(0, panel.n_subjects, PEOPLE):
        rows = np.arange(at, min(at + PEOPLE, panel.n_subjects))
        module = Mixture.near(layout, for_scoring(panel.subset(rows), layout.spec), params)
        with torch.no_grad():
            found, each = [], []
            for shard in module.shards:
                loglik, local = group_scores(shard, flat[None])
                found.append(torch.softmax(loglik + shard.log_shares(flat[None]), dim=1)[0].T)
                scores = torch.einsum("kqn,kqp->nkp", local[0], shard.select)
                shard.membership.add_scores(flat, scores)
                each.append(scores)
        weight, slope = torch.cat(found).numpy(), torch.cat(each).numpy()
        expand = slice(None) if module.expand is None else module.expand
        yield rows, weight[expand], slope[expand]
