"""Cross-validation, bootstrap, tests of the number of groups and pooling for R."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from ..compute.progress import Progress
from ..record.document import encode
from ..record.rebuild import layout_of
from .transfer import answer, fit_of, frame, new_bulk
from .workers import with_workers


def _options(options: str) -> tuple[dict[str, Any], int | None]:
    """Arguments by name, and the number of workers among them."""
    asked = json.loads(options)
    return asked, asked.pop("n_jobs", None)


def cross_validate(document: str, options: str, tell: Progress | None) -> str:
    """Cross-validation of a stored fit; ``options`` as for :func:`gbtm.cross_validate`, as JSON.

    Of several outcomes ``by_subject`` has an error and a count each, ``error_y``, .., ``observations_y``, .., and
    ``totals`` end with an absolute error each.
    """
    from ..resampling.cross_validation import cross_validate as validate

    def work() -> dict[str, Any]:
        res, (asked, n_jobs) = fit_of(document), _options(options)
        found, notes = with_workers(n_jobs, lambda n: validate(res, n_jobs=n, progress=tell or False, **asked))
        n, names = len(found.folds), [o.name for o in res.outcomes]
        suffixes = [f"_{name}" for name in names] if len(names) > 1 else [""]
        errors, counts = found.errors.to_numpy().reshape(n, -1), np.reshape(found.counts, (n, -1))
        by_subject = pd.DataFrame({
            "loglik": found.by_subject.to_numpy(), **{f"error{s}": errors[:, m] for m, s in enumerate(suffixes)},
            "fold": found.folds.to_numpy(), "weight": found.weights,
            **{f"observations{s}": counts[:, m] for m, s in enumerate(suffixes)}, "cluster": found.clusters + 1,
        })
        bulk = new_bulk()
        totals = np.array([found.loglik, found.se, *np.atleast_1d(found.absolute_error)])
        return {
            "by_subject": frame(by_subject, bulk), "totals": encode(totals, bulk), "n_folds": found.n_folds,
            "failures": list(found.failures), "sentences": list(found.sentences), "notes": notes,
        }

    return answer(work)


def known_accuracy(document: str, options: str, tell: Progress | None) -> str:
    """Held-out accuracy of the known groups of a stored fit; ``options`` as for :func:`gbtm.known_accuracy`."""
    from ..resampling.known_accuracy import known_accuracy as hide

    def work() -> dict[str, Any]:
        res, (asked, n_jobs) = fit_of(document), _options(options)
        found, notes = with_workers(n_jobs, lambda n: hide(res, n_jobs=n, progress=tell or False, **asked))
        bulk = new_bulk()
        return {
            "by_subject": frame(found.by_subject.reset_index(drop=True), bulk),
            "ids": res.ids.get_indexer(found.by_subject.index).tolist(), "weights": encode(found.weights, bulk),
            "table": encode(found.table.to_numpy(dtype=float), bulk), "by_group": frame(
                found.by_group.reset_index(), bulk),
            "totals": encode(np.array([found.accuracy, found.se]), bulk), "failures": list(found.failures),
            "sentence": found.sentence, "n_groups": found.n_groups, "notes": notes,
        }

    return answer(work)


def blrt(document: str, smaller: str, options: str, tell: Progress | None) -> str:
    """Bootstrap likelihood-ratio test of a stored fit; ``smaller`` is a fit too, or empty."""
    from ..resampling.likelihood_ratio import blrt as test

    def work() -> dict[str, Any]:
        res, less, (asked, n_jobs) = fit_of(document), fit_of(smaller) if smaller else None, _options(options)
        found, notes = with_workers(n_jobs, lambda n: test(res, less, n_jobs=n, progress=tell or False, **asked))
        bulk = new_bulk()
        numbers = np.array([found.statistic, found.p_value, found.loglik, found.smaller_loglik, found.alpha])
        return {
            "numbers": encode(numbers, bulk), "replicates": encode(found.replicates, bulk), "groups": found.groups,
            "n": found.n, "exceeding": found.exceeding, "failures": found.failures, "negative": found.negative,
            "stopped": found.stopped, "reasons": found.reasons, "sentence": found.sentence, "notes": notes,
        }

    return answer(work)


def lmr(document: str, smaller: str, seed: str, tell: Progress | None) -> str:
    """Lo-Mendell-Rubin test of a stored fit; ``smaller`` is a fit too, or empty; ``seed`` a whole number as JSON."""
    from ..resampling.lo_mendell_rubin import lmr as test

    def work() -> dict[str, Any]:
        found = test(fit_of(document), fit_of(smaller) if smaller else None, rng=json.loads(seed))
        bulk = new_bulk()
        numbers = np.array([found.statistic, found.adjusted, found.p_value, found.p_unadjusted])
        return {
            "numbers": encode(numbers, bulk), "weights": encode(found.weights, bulk), "groups": found.groups,
            "df": found.df, "sentence": found.sentence,
        }

    return answer(work)


def bootstrap(document: str, options: str, tell: Progress | None) -> str:
    """Label-matched bootstrap of a stored fit.

    Besides ``params`` and ``shares`` of the replicates, ``coefficients`` are, by outcome, the internal ones of
    each predictor (n, K q), by which R draws the replicates' curves; ``units`` the hidden units of each, where they
    moved, with the mix of their columns.
    """
    from ..resampling.bootstrap import bootstrap as resample

    def work() -> dict[str, Any]:
        res, (asked, n_jobs) = fit_of(document), _options(options)
        found, notes = with_workers(n_jobs, lambda n: resample(res, n_jobs=n, progress=tell or False, **asked))
        layout, bulk = layout_of(res), new_bulk()
        moved = list(found.moved) or [(layout, layout.unreport(params)) for params in found.params.to_numpy()]
        of_groups = [layout.rows_of(layout.spec.set_of(m)) for m in range(len(res.outcomes))]  # of a dual's pairs
        coefficients = [
            {name: encode(np.stack([own.coefficients(flat, m, name)[rows].ravel() for own, flat in moved]), bulk)
             for name in outcome.coefficients}
            for m, (outcome, rows) in enumerate(zip(res.outcomes, of_groups, strict=True))
        ]
        units = [
            {name: encode(np.stack([np.ravel(own.outcomes[m].bases["mean"].document[name]) for own, _ in moved]), bulk)
             for name in ("location", "width", "mix")}
            if found.moved and outcome.spec.curve is not None else None
            for m, outcome in enumerate(res.outcomes)
        ]
        chosen = found.chosen_groups
        return {
            "params": encode(found.params.to_numpy(), bulk), "shares": encode(found.shares.to_numpy(), bulk),
            "units": units, "replicates": [int(i) for i in found.params.index], "coefficients": coefficients,
            "failures": found.failures, "reasons": found.reasons, "unfitted": found.unfitted,
            "crossed": found.crossed, "chosen_groups": None if chosen is None else frame(chosen, bulk),
            "sentence": found.sentence, "notes": notes,
        }

    return answer(work)


def independence_bootstrap(document: str, options: str, tell: Progress | None) -> str:
    """Whether a dual model's groups are independent, by draws; ``options`` are ``n``, ``rng`` and ``n_jobs``."""
    from ..inference.transitions import dual_of
    from ..resampling.independence import bootstrap_independence

    def work() -> dict[str, Any]:
        fit, (asked, n_jobs) = dual_of(fit_of(document)), _options(options)
        draws = asked.pop("n")
        found, notes = with_workers(n_jobs, lambda n: bootstrap_independence(
            fit, draws, n_jobs=n, progress=tell or False, **asked))
        return {"p_value": found.p_value, "draws": int(found.replicates.size), "failures": found.failures,
                "notes": notes}

    return answer(work)


def pool(documents: str, df_complete: str) -> str:
    """Rubin's rules over stored fits (a JSON list of their documents); ``df_complete`` a number as JSON, or null."""
    from ..resampling.imputation import pool as pooled

    def work() -> dict[str, Any]:
        fits = [fit_of(json.dumps(document)) for document in json.loads(documents)]
        found = pooled(fits, df_complete=json.loads(df_complete))
        bulk = new_bulk()
        table = pd.concat([found.params, found.bse, found.df, found.riv, found.fmi], axis=1)
        table.columns = pd.Index(["estimate", "se", "df", "riv", "fmi"])
        shares = pd.DataFrame(dict(zip(("estimate", "se", "df", "fmi"), (
            found.shares.estimate, found.shares.se, found.shares.df, found.shares.fmi))))
        return {
            "table": frame(table, bulk), "cov": encode(found.cov_params().to_numpy(), bulk),
            "shares": frame(shares, bulk), "orders": (found.orders + 1).tolist(), "df_complete": found.df_complete,
            "notes": list(found.notes),
        }

    return answer(work)


def ar1_check(document: str, options: str, tell: Progress | None) -> str:
    """Whether the number of groups of a stored fit survives AR(1) errors."""
    from ..adequacy.autocorrelation import ar1_check as check

    def work() -> dict[str, Any]:
        res, (asked, n_jobs) = fit_of(document), _options(options)
        found, notes = with_workers(n_jobs, lambda n: check(res, n_jobs=n, progress=tell or False, **asked))
        bulk = new_bulk()
        return {
            "table": frame(found.table, bulk), "autocorrelation": frame(found.autocorrelation, bulk),
            "chosen": found.chosen, "chosen_ar1": found.chosen_ar1, "survives": found.survives,
            "sentences": list(found.sentences), "notes": notes,
        }

    return answer(work)
