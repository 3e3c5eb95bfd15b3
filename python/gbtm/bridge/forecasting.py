"""Forecasts, and how good they are, for R."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..compute.progress import Progress
from ..data.joined_panels import joined_panels
from ..data.panel import Panel
from ..errors import GBTMWarning
from ..record.document import encode
from .after import learn_basis
from .panels import panel_of_columns, subjects_of
from .transfer import answer, fit_of, frame, new_bulk, received, sent_table, still_held

if TYPE_CHECKING:
    from ..api.results import GBTMResults
    from ..forecast.forecast import Forecast


@dataclass(frozen=True, eq=False)
class _Held:
    """People of one outcome: their panel, their rows as a long table, what its columns are called, and a basis of times
    with the times that it belongs to."""

    asked: dict[str, Any]
    panel: Panel
    table: pd.DataFrame
    named: dict[str, Any]
    basis: tuple[np.ndarray, np.ndarray] | None


_held: list[_Held] = []


def hold_forecast(request: str, ids: bytearray) -> str:
    """Keep the people of one outcome for :func:`forecast`, from what :func:`receive` has.

    Parameters
    ----------
    request : JSON as for :func:`gbtm.bridge.several.hold_people`, with ``exposure_name``; ``rows_tcov`` of what was
        received are the covariates (n, q) of all rows, a lag that is not known yet being any number; of a basis that R
        makes ``basis_times`` and ``basis``
    ids : as for :func:`gbtm.bridge.fitting.fit`
    """

    def work() -> dict[str, Any]:
        asked = {**json.loads(request), "unobserved": True}
        asked["dropout"] = "known" in asked
        del _held[asked["number"]:]
        times, values = received("time"), received("y")
        table, named = _rows(asked, ids, times, values)
        names, basis = asked.get("basis_names"), None
        if names:
            basis = received("basis_times"), received("basis").reshape(len(names), -1).T
        panel = panel_of_columns(asked, ids, bytearray(), times, values)
        _held.append(_Held(asked, panel, table, named, basis))
        return {}

    return answer(work)


def _rows(
    asked: dict[str, Any], ids: bytearray, times: np.ndarray, values: np.ndarray
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """All rows that R sent, as a long table, and what its columns are called."""
    codes, distinct = subjects_of(asked, ids, still_held("subject"))
    covariates, waves = asked.get("tcov_names") or [], asked.get("waves")
    named: dict[str, Any] = {
        "id": asked["id_name"], "time": asked["time_name"], "outcome": asked["outcome_name"],
        "wave": "wave" if waves else asked.get("wave"), "wide": bool(waves),
        "exposure": asked["exposure_name"] if asked.get("exposure") else None,
    }
    made = dict(zip(covariates, received("rows_tcov").reshape(len(covariates), -1) if covariates else (), strict=True))
    if named["exposure"]:
        made[named["exposure"]] = still_held("exposure")
    if waves:
        made["wave"] = np.tile(np.arange(float(waves)), codes.size // waves)
    elif named["wave"]:
        made[named["wave"]] = still_held("wave")
    known = codes >= 0
    table = pd.DataFrame({**made, named["time"]: times, named["outcome"]: values})[known]
    table[named["id"]] = distinct.to_numpy()[codes[known]]
    return table.reset_index(drop=True), named


def forecast(document: str, request: str) -> str:
    """The next waves of people.

    Parameters
    ----------
    request : JSON with ``steps``, ``times``, ``quantiles``, ``level``, ``draws``, ``rng``, and null or lists:
        ``probabilities`` and ``cdf``, values of the outcome, and ``y``, outcomes of the rows of the table. ``people``
        and ``future`` are the columns of tables, as for :func:`gbtm.bridge.transfer.sent_table`, ``people0``, .. and
        ``future0``, ..; without ``people`` they are those that :func:`hold_forecast` has, and ``given`` says whether
        rows of the future are among these

    Returns
    -------
    JSON text with ``table``, ``further`` of its columns (probabilities, then cdf, then log scores), ``draws`` and
    ``sentences``
    """

    def work() -> dict[str, Any]:
        held, res, said = list(_held), fit_of(document), json.loads(request)
        _held.clear()
        how = {k: said[k] for k in ("quantiles", "level", "draws", "rng")}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", GBTMWarning)
            if said["people"] is None:
                found = _of_held(res, held, said, how)
            else:
                future = None if said["future"] is None else sent_table(said["future"], prefix="future")
                found = res.forecast(sent_table(said["people"]), steps=said["steps"], times=said["times"],
                                     future=future, **how)
        bulk = new_bulk()
        return {
            "table": frame(found.table, bulk), "further": encode(_further(found, said), bulk), "draws": found.draws,
            "sentences": [str(w.message) for w in caught if issubclass(w.category, GBTMWarning)],
        }

    return answer(work)


def _of_held(res: GBTMResults, held: list[_Held], said: dict[str, Any], how: dict[str, Any]) -> Forecast:
    """The forecast for people whose columns R made."""
    from ..forecast.forecast import check_asked, forecast_panel, warn_left_out
    from ..forecast.next_rows import rows_to_come, terms_by_name

    check_asked(res, said["steps"], **how)
    several = len(res.outcomes) > 1
    for outcome, h in zip(res.outcomes, held, strict=True):
        if h.basis is not None:
            learn_basis(outcome.bases, *h.basis)
    rows = []
    for name, h in zip(res.outcome_names, held, strict=True):
        one = res.of_outcome(name) if several else res
        named = {**h.named, "terms": terms_by_name(one)}
        rows.append(rows_to_come(one, h.table, named, said["steps"], said["times"], said["given"]))
    panel = held[0].panel
    if several:
        panel = joined_panels([h.panel for h in held], [not h.asked["own_table"] for h in held])
    warn_left_out(res, panel)
    return forecast_panel(res, panel, rows, *how.values())


def _further(found: Forecast, said: dict[str, Any]) -> np.ndarray:
    """Columns (F, c) of values that were asked for."""
    made = [np.zeros((len(found.table), 0))]
    if said["probabilities"]:
        made.append(found.probabilities(said["probabilities"]).to_numpy())
    if said["cdf"]:
        made.append(found.cdf(said["cdf"]).to_numpy())
    if said["y"] is not None:
        made.append(found.log_score(np.array(said["y"], dtype=float)).to_numpy()[:, None])
    return np.hstack(made)


def forecast_check(documents: str, options: str, tell: Progress | None) -> str:
    """Models compared by how they foretell.

    Parameters
    ----------
    documents : JSON object, the documents of fits by name; ``""`` of one that has no name
    options : arguments of :func:`gbtm.forecast_check` as JSON

    Returns
    -------
    JSON text with ``table``, ``paired``, ``observations``, ``sentence``, and of the models and scores in the order of
    ``paired`` the ``influence`` (models, scores, n) by which further differences are computed
    """
    from ..forecast.check import forecast_check as check

    def work() -> dict[str, Any]:
        fits: dict[str, GBTMResults] = {name: fit_of(json.dumps(d)) for name, d in json.loads(documents).items()}
        found = check(fits, progress=tell or False, **json.loads(options))
        bulk = new_bulk()
        influence = np.stack([[s.influence for s in found.scores[name].values()] for name in found.table.index])
        return {
            "table": frame(found.table, bulk), "paired": frame(found.paired.reset_index(), bulk),
            "observations": frame(found.observations, bulk), "sentence": found.sentence,
            "scores": list(next(iter(found.scores.values()))), "influence": encode(influence.ravel(), bulk),
        }

    return answer(work)
