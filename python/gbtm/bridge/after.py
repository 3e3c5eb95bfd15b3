"""What R asks of a fit that is there: scoring, tests, intervals, traj's tables, adequacy, new outcomes."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pandas as pd

from ..api.results import GBTMResults
from ..compute.progress import Progress
from ..data.panel import Panel
from ..errors import SpecificationError
from ..record.document import encode
from ..specification.no_order import refuse_order
from .panels import panel_of_columns
from .transfer import answer, column, doubles, fit_of, frame, new_bulk, received


def classify(document: str, request: str, ids: bytearray) -> str:
    """Posteriors of new people under a stored fit, from what :func:`receive` has.

    Parameters
    ----------
    request : JSON as for :func:`fit`, with ``by_wave`` and ``level`` in place of the model and its options
    ids : as for :func:`fit`

    Returns
    -------
    JSON text with the ``columns`` of the table that :func:`gbtm.fit.scoring.classify` makes, by name, and sentences
    on what was ``dropped`` and on who got the ``prior``
    """
    from ..fit.scoring import classify_panel, left_out

    def work() -> dict[str, Any]:
        asked, res = json.loads(request), fit_of(document)
        panel = people_of_columns(asked, res, ids)
        table = classify_panel(res, panel, by_wave=asked["by_wave"], level=asked["level"])
        return {
            "columns": {str(name): encode(table[name].tolist()) for name in table}, "dropped": left_out(panel),
            "prior": None if panel.unobserved is None else panel.unobserved.sentence(),
        }

    return answer(work)


def people_of_columns(asked: dict[str, Any], res: GBTMResults, ids: bytearray) -> Panel:
    """New people of a fit of one outcome, from what :func:`receive` has."""
    asked = asked | {"unobserved": True, "dropout": res.dropout is not None}
    asked |= {"known": None if res.dropout is None else res.dropout.waves}
    times, values = column("time", bytearray()), column("y", bytearray())
    if asked.get("basis_names"):
        learn_basis(res.outcome.bases, times, received("basis").reshape(len(asked["basis_names"]), -1).T)
    return panel_of_columns(asked, ids, bytearray(), times, values)


def lag_columns(request: str, subject: bytearray, told: bytearray, y: bytearray) -> str:
    """Lagged outcomes of the rows of a table; see :func:`gbtm.lags.lagged.lag_columns`.

    Parameters
    ----------
    request : JSON with ``terms``, ``is_fit``, ``repeated`` and, for new people, ``waves``
    subject, told, y : doubles (n,) of the rows
    """
    from ..lags.lagged import lag_columns as made
    from ..lags.term import LagTerm

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        refuse_order(repeated=bool(asked.get("repeated")), tcov=True)
        terms = [LagTerm.of({"first": None, **t}) for t in asked["terms"]]
        codes = np.nan_to_num(doubles(subject), nan=-1.0).astype(np.int64)
        waves = asked.get("waves")
        found = made(terms, codes, doubles(told), doubles(y), is_fit=bool(asked["is_fit"]),
                     waves=None if waves is None else np.asarray(waves, dtype=float).ravel())
        rows, values = found.pair
        bulk = new_bulk()
        return {
            "rows": encode(rows.T.ravel().astype(float), bulk), "values": encode(values.T.ravel(), bulk),
            "waves": encode(found.waves, bulk), "notes": [list(d) for d in found.doubts],
        }

    return answer(work)


def design_columns(document: str, request: str) -> str:
    """Covariates of new data under a fit that was read from a file, by row.

    Parameters
    ----------
    request : JSON with ``argument``, "risk", "tcov", "dcov" or "event", and the ``columns`` of the table: numbers or
        text
    """
    from ..fit.new_data import design_columns as made

    def work() -> dict[str, Any]:
        asked, res = json.loads(request), fit_of(document)
        columns = {}
        for name, values in asked["columns"].items():
            column = pd.Series(values, dtype=None if any(isinstance(v, str) for v in values) else float)
            levels = (res.inputs or {}).get("levels", {}).get(name)
            columns[name] = column if levels is None else _of_kind(column, levels)
        return {"x": encode(made(res, pd.DataFrame(columns), asked["argument"]), new_bulk())}

    return answer(work)


def _of_kind(column: pd.Series, levels: list[Any]) -> pd.Series:
    """A factor of R's as the fit's file has its levels: numbers, truth values or text."""
    if all(isinstance(level, bool) for level in levels):
        return column.map({1: True, 0: False, "TRUE": True, "FALSE": False})
    if any(isinstance(level, str) for level in levels):
        return column.map(lambda v: v if isinstance(v, str) or v is None or v != v else f"{v:g}")
    return pd.Series(pd.to_numeric(column, errors="coerce").where(column.notna()), index=column.index)


def learn_basis(bases: dict[str, dict[str, Any]], times: np.ndarray, columns: np.ndarray) -> None:
    """Add a basis at further times to what a fit knows of it, as R makes its own bases."""
    known = ~(np.isnan(times) | np.isnan(columns).any(axis=1))
    for basis in bases.values():
        if basis["kind"] == "columns" and len(basis["names"]) == columns.shape[1]:
            at = np.concatenate([np.asarray(basis["times"], dtype=float), times[known]])
            rows = np.vstack([np.asarray(basis["columns"], dtype=float), columns[known]])
            distinct, first = np.unique(at, return_index=True)  # the first: what was fitted stays to the last bit
            basis["times"], basis["columns"] = distinct.tolist(), rows[first].tolist()


def profile_intervals(document: str, parameters: str, level: float, tell: Progress | None) -> str:
    """Profile-likelihood intervals of named parameters (JSON list); an end that is open is null. ``notes`` says where
    the fit is surpassed, by the parameter whose profile climbs highest."""
    from ..inference.profile import profile_ends

    def work() -> dict[str, Any]:
        res, ends, begun = fit_of(document), [], time.monotonic()
        better = []
        for name in json.loads(parameters):
            if tell is not None:
                tell(f"profile of {name}", time.monotonic() - begun)
            interval, higher = profile_ends(res, name, level)
            ends.append(interval)
            better += [] if higher is None else [higher]
        return {
            "lower": encode([low for low, _ in ends]), "upper": encode([high for _, high in ends]),
            "notes": [max(better)[1]] if better else [],
        }

    return answer(work)


def dispersion_test(document: str, options: str, tell: Progress | None) -> str:
    """Likelihood-ratio test of no overdispersion; ``options`` as for :func:`fit`, of several outcomes with ``outcome``,
    the number from 1 of that whose psi is tested."""
    from ..inference.dispersion import dispersion_test as test

    def work() -> dict[str, Any]:
        asked = json.loads(options)
        found = test(fit_of(document), progress=tell or False, **asked)
        tested = found.without.outcomes[asked.get("outcome", 1) - 1]
        return {
            "statistic": found.statistic, "pvalue": found.pvalue, "weights": list(found.weights),
            "family": tested.family, "loglik": found.without.llf, "text": str(found),
        }

    return answer(work)


def with_cov_type(document: str, cov_type: str) -> str:
    """The document of a fit with other standard errors, and its arrays; ``cov_type`` "" for what the data call for."""
    from ..fit.other_covariance import with_covariance

    def work() -> dict[str, Any]:
        bulk = new_bulk()
        made = encode(with_covariance(fit_of(document), cov_type or None), bulk)
        return {"document": json.dumps(made, allow_nan=False)}

    return answer(work)


def scores(document: str) -> str:
    """Scores (N, k) of the subjects of a fit, in the user's parameters."""
    return answer(lambda: {"scores": encode(fit_of(document).scores.to_numpy(), new_bulk())})


def pearson_residuals(document: str) -> str:
    """Pearson residuals, in the order of the fit's data."""
    return answer(lambda: {"residuals": encode(fit_of(document).resid_pearson.to_numpy(), new_bulk())})


def plot_matrix(document: str, level: float) -> str:
    """The matrix that traj's plot is drawn from, by column."""
    from ..traj_programs.traj_variables import plot_matrix as matrix

    def work() -> dict[str, Any]:
        table = matrix(fit_of(document), level)
        return {"columns": {str(name): encode(table[name].tolist()) for name in table}}

    return answer(work)


def traj_table(document: str, group_order: str) -> str:
    """traj's table of a stored fit with the groups renamed (JSON list of whole numbers)."""
    return answer(lambda: {"text": fit_of(document).to_traj(json.loads(group_order)).text})


def compare_traj(document: str, text: str, which: str) -> str:
    """A stored fit beside a printed traj table; ``which`` is a whole number as JSON, 0 for the first table."""
    from ..traj_programs.comparison.compare import compare_traj as compare

    return answer(lambda: compare(fit_of(document), text, json.loads(which)).record)


def simulate(document: str, seed: str) -> str:
    """New outcomes of a stored fit, ``y`` and ``group`` in the order of its data, of several outcomes one after the
    other; ``seed`` a whole number as JSON."""

    def work() -> dict[str, Any]:
        res = fit_of(document)
        drawn = res.simulate(rng=json.loads(seed))
        y, group = drawn.iloc[:, -2], drawn.iloc[:, -1]  # by place: a column of the user's may be called group
        bulk = new_bulk()
        return {"y": encode(y.to_numpy(dtype=float), bulk), "group": encode(group.to_numpy(dtype=float), bulk)}

    return answer(work)


def adequacy(document: str) -> str:
    """Adequacy of the classification by group: ``table``, and ``notes`` in sentences."""

    def work() -> dict[str, Any]:
        table = fit_of(document).adequacy
        return {"table": frame(table, new_bulk()), "notes": list(table.attrs["notes"])}

    return answer(work)


def residual_checks(document: str, options: str, tell: Progress | None) -> str:
    """Residual checks: tables ``means``, ``distribution`` and ``autocorrelation``, and ``sentences``."""
    from ..adequacy.residuals import residual_checks as checks

    def work() -> dict[str, Any]:
        found = checks(fit_of(document), **json.loads(options))
        bulk = new_bulk()
        return {
            "tables": {name: frame(getattr(found, name), bulk)
                       for name in ("means", "distribution", "autocorrelation")},
            "sentences": list(found.sentences), "outcome_name": found.outcome_name, "time_name": found.time_name,
        }

    return answer(work)


def outcome_contributions(document: str, options: str, tell: Progress | None) -> str:
    """What each of several outcomes tells about the groups: ``table``, ``entropy`` of all together, ``notes``.

    ``options`` are ``refit`` and ``rng`` as JSON.
    """
    from ..adequacy.outcome_contributions import outcome_contributions as contributions

    def work() -> dict[str, Any]:
        table = contributions(fit_of(document), **json.loads(options))
        return {
            "table": frame(table.reset_index(), new_bulk()), "entropy": table.attrs["entropy"],
            "sentences": list(table.attrs["notes"]),
        }

    return answer(work)


def random_effects(document: str, by_group: bool) -> str:
    """Predicted random effects of each subject: ``table``."""

    def work() -> dict[str, Any]:
        from ..adequacy.predicted_effects import random_effects as predicted

        return {"table": frame(predicted(fit_of(document), by_group=by_group).reset_index(), new_bulk())}

    return answer(work)


def freed_effects_law(large: str, small: str, statistic: float) -> str:
    """What the ratio of two nested fits is distributed as, the larger having further random effects.

    Parameters
    ----------
    large, small : documents
    statistic : twice the difference of their log-likelihoods

    Returns
    -------
    JSON text with its ``pvalue`` and the ``law`` in words
    """
    from ..inference.effects_at_zero import cone_law

    def work() -> dict[str, Any]:
        law = cone_law(fit_of(large), fit_of(small))
        return {"pvalue": law.pvalue(float(statistic)), "law": str(law)}

    return answer(work)


def constrained_pair(large: str, small: str) -> str:
    """The likelihood-ratio test of two fits of which one has constraints, or why there is none.

    Parameters
    ----------
    large, small : documents

    Returns
    -------
    JSON text with ``pvalue`` and ``law``, in words where it is no chi-square; or with ``why``
    """
    from ..inference.nested_fits import compare_lr_test

    def work() -> dict[str, Any]:
        try:
            test = compare_lr_test(fit_of(large), fit_of(small))
        except SpecificationError as e:
            return {"why": f"{e.message.removeprefix('restricted: ')} {e.way_out}"}
        return {"pvalue": test.pvalue, "law": test.note if "chi2" in test.note else ""}

    return answer(work)


def residual_correlations(document: str, by_group: bool) -> str:
    """Correlations of the residuals of several outcomes within groups: ``table`` and ``sentences``."""
    from ..adequacy.residual_correlations import residual_correlations as correlations

    def work() -> dict[str, Any]:
        table = correlations(fit_of(document), by_group=by_group)
        return {"table": frame(table, new_bulk()), "sentences": list(table.attrs["notes"])}

    return answer(work)
