"""What R asks of distal outcomes and membership covariates after the fit.

The table of people crosses as columns, as R has it; R makes its own design of covariates, so that formulas mean what R
means by them, and its columns cross as numbers. What is asked of a result afterwards (comparisons, odds ratios, the
naive answer beside it) is asked with the same request, and the result that is held from the call before answers.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..api.joint_outcome import joint_fit, readable, refuse_elsewhere
from ..api.outcome_results import OutcomeResults
from ..distal.cautions import refuse_own_outcome
from ..distal.comparisons import GroupTest
from ..distal.distal_outcome import distal
from ..distal.distal_result import DistalResult
from ..distal.predictors import predictors
from ..distal.predictors_result import PredictorsResult
from ..distal.three_step import METHODS
from ..distal.traj_outcome import TrajOutcome
from ..errors import GBTMWarning
from ..record.document import encode
from ..specification.description import DistalOutcome
from .fitting import outcome_answer
from .transfer import answer, fit_of, frame, new_bulk, sent_table

Found = DistalResult | PredictorsResult | TrajOutcome

_held: dict[str, Found] = {}  # the last result alone


def step_three(document: str, request: str) -> str:
    """A distal outcome, or membership covariates after the fact.

    Parameters
    ----------
    request : JSON. ``call``: "distal" or "predictors", its ``formula`` or the names of its ``covariates``, ``outcome``
        (the names that the left side was computed from) and ``options``; or "joint", traj's distal outcome of a model,
        with the column ``id`` and how many people were ``excluded``. ``columns``: those of the table, as
        :func:`gbtm.bridge.transfer.sent_table` takes them. ``asked``: what is asked of the result, its
        name and options, or null for the result itself

    Returns
    -------
    JSON text: of a result what it holds; of a table ``table``; of a test what it says
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        table, key = _table(asked["columns"], document + json.dumps(asked["call"]))
        if key not in _held:
            found = _estimated(document, asked["call"], table)
            _held.clear()
            _held[key] = found
        return _answered(_held[key], asked.get("asked"))

    return answer(work)


def told_results(asked: list[dict[str, Any]]) -> list[DistalResult | PredictorsResult]:
    """Results of step three for a report, in R's words.

    Parameters
    ----------
    asked : each a request as :func:`step_three` takes it, with the ``document`` of its fit, the ``prefix`` of its
        columns, and the ``formula`` and ``warnings`` as R says them
    """
    out: list[DistalResult | PredictorsResult] = []
    for one in asked:
        found = _estimated(one["document"], one["call"], sent_table(one["columns"], prefix=one["prefix"]))
        assert not isinstance(found, TrajOutcome)  # R sends none
        told = [replace(f, message=words) for f, words in zip(found.findings, one["warnings"], strict=True)]
        out.append(replace(found, formula=one["formula"], findings=tuple(told)))
    return out


def readable_outcome(request: str) -> str:
    """Refuse, before the trajectories are fitted, options of traj's distal outcome that are none, or its column.

    Parameters
    ----------
    request : JSON. ``options`` by name, ``columns`` as for :func:`step_three`, of those who have the outcome; where
        ``columns`` is null the model is one that has no distal outcome
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        joint = DistalOutcome(**{k: v for k, v in asked["options"].items() if v is not None})
        if asked["columns"] is None:
            refuse_elsewhere(joint)
        readable(joint, sent_table(asked["columns"]))
        return {}

    return answer(work)


def _table(columns: list[dict[str, Any]], head: str) -> tuple[pd.DataFrame, str]:
    """The table, and a name for it and what is asked of it."""
    digest = hashlib.sha256((head + json.dumps(columns)).encode())
    table = sent_table(columns, digest)
    return table, digest.hexdigest()


def _estimated(document: str, call: dict[str, Any], table: pd.DataFrame) -> Found:
    res, options = fit_of(document), {k: v for k, v in call["options"].items() if v is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GBTMWarning)  # they stand in the result
        if call["function"] == "joint":
            return joint_fit(res, DistalOutcome(**options), table, call["id"], call["excluded"])
        if call["function"] == "predictors":
            return predictors(res, call["covariates"], table, **options)
        refuse_own_outcome(res, call["outcome"])
        return distal(res, call["formula"], table, **options)


def _answered(found: Found, asked: dict[str, Any] | None) -> dict[str, Any]:
    if asked is None:
        return _whole(found)
    options = {k: v for k, v in asked["options"].items() if v is not None}
    drawn = _DRAWN.get(asked["what"])
    value = getattr(found, asked["what"])(**options) if drawn is None else drawn(found, **options)
    if isinstance(value, GroupTest):
        return _test(value)
    attributes = {k: v for k, v in value.attrs.items() if isinstance(v, (int, float, str))}
    return {"table": _framed(value, new_bulk()), "attributes": attributes}


def _naive_groups(found: DistalResult, level: float) -> pd.DataFrame:
    return found.again("naive").group_table(level)


def _survival(found: DistalResult) -> pd.DataFrame:
    from ..step_three.survival_curves import survival_curves

    times, curves = survival_curves(found.found)
    groups = np.arange(1, found.n_groups + 1)
    return pd.DataFrame({"group": groups.repeat(times.size), "time": np.tile(times, groups.size),
                         "survival": curves.T.ravel()})


_DRAWN: dict[str, Callable[..., pd.DataFrame]] = {"naive_groups": _naive_groups, "survival": _survival}  # for pictures


def _whole(found: Found) -> dict[str, Any]:
    bulk = new_bulk()
    out: dict[str, Any] = {
        "names": list(found.params.index), "params": encode(found.params.to_numpy(), bulk),
        "cov": encode(found.cov_params().to_numpy(), bulk),
        "df": None if np.isinf(found.df_inference) else found.df_inference,
    }
    if isinstance(found, OutcomeResults):
        return {"kind": "joint", "said": outcome_answer(found)}
    if isinstance(found, TrajOutcome):
        return out | {"kind": "traj", "family": found.family, "method": "traj", "loglik": found.llf}
    out |= {
        "kind": "predictors" if isinstance(found, PredictorsResult) else "distal", "method": found.method,
        "method_words": METHODS[found.method], "assignment": found.assignment, "covariance": found.covariance,
        "nobs": found.nobs, "n_step_one": found.n_step_one, "title": found.title, "test": _test(found.test()),
        "notes": list(found.notes), "findings": [{"code": f.code, "sentence": f.message} for f in found.findings],
    }
    if isinstance(found, DistalResult):
        out |= {"family": found.family, "n_groups": found.n_groups, "groups": _framed(found.groups, bulk),
                "terms": list(found.structure.predictor.design.own_names[1:])}
    elif isinstance(found, PredictorsResult):
        out |= {"n_groups": found.structure.n_groups, "reference": found.structure.reference + 1,
                "terms": list(found.structure.covariates)}
    return out


def _test(test: GroupTest) -> dict[str, Any]:
    statistic, pvalue = (None if np.isnan(v) else v for v in (test.statistic, test.pvalue))
    return {
        "statistic": statistic, "pvalue": pvalue,
        "df_num": test.df, "df_denom": test.df_denom, "hypothesis": test.hypothesis,
    }


def _framed(table: pd.DataFrame, bulk: bytearray) -> dict[str, Any]:
    return frame(table.reset_index() if isinstance(table.index, pd.MultiIndex) else table, bulk)


def classification(document: str, assignment: str, groups_of: str) -> str:
    """Errors of classification of a stored fit: ``table``, ``inverse`` and ``logits`` (K, K), ``shares``, ``condition``
    and the BCH ``weights`` (N, K), null with ``why_not`` where there are none. ``groups_of`` as JSON."""
    from ..distal.distal_outcome import groups_asked
    from ..errors import DataError
    from ..step_three.classification import bch_weights, classification_error

    def work() -> dict[str, Any]:
        res, bulk = groups_asked(fit_of(document), json.loads(groups_of))[0], new_bulk()
        error = classification_error(res, assignment)
        out = {name: encode(getattr(error, name).to_numpy(), bulk) for name in ("table", "shares", "logits")}
        out["condition"], out["n_known"] = encode(np.array([error.condition]), bulk), error.n_known
        try:
            out["inverse"] = encode(error.inverse.to_numpy(), bulk)
            out["weights"] = encode(bch_weights(res, assignment).to_numpy(), bulk)
        except DataError as problem:
            out["why_not"] = {"code": problem.code, "message": problem.message, "argument": problem.argument,
                              "way_out": problem.way_out}
        return out

    return answer(work)

