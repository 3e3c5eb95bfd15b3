"""Answers about the data: times, missing values, the distribution of the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..families import family_named
from ..families.levels import level_names
from ..fit.summary import family_title
from ..tables.numbers import show
from .evidence import Evidence, Reply

if TYPE_CHECKING:
    from ..fit.fit import Fit


def _time(evidence: Evidence) -> Reply:
    time = evidence.res.outcome.seen_times
    name = evidence.res.time_name
    return (
        f"Time is {name}, from {time.min():.5g} to {time.max():.5g}, in the model as it was given.",
        f"State the unit of {name} (years of age, months, waves ..) and what its zero is.",
    )


def _spread(evidence: Evidence) -> Reply:
    attrition = evidence.attrition
    sd = attrition.waves["SD of time"].to_numpy(dtype=float)
    word = "wave" if attrition.common else "occasion (a subject's first, second, .. observation)"
    where = evidence.place("waves") or "The attrition table"
    text = f"{where} has the mean and the standard deviation of time by {word}."
    if attrition.common and (evidence.res.inputs or {}).get("wave"):
        return text, ""
    if attrition.common and not np.nan_to_num(sd).any():
        text += (f" A wave is a distinct value of {evidence.res.time_name}, the same for all subjects, so that time "
                 "has no variance within it.")
        return text, "If interviews of one wave were spread over time, report the mean and variance of their dates."
    return text, ""


def _mechanism(evidence: Evidence) -> Reply:
    text = (
        "Maximum likelihood from all observations there are: valid where data are missing at random given the observed "
        "outcomes and the covariates of the model."
    )
    dropout = evidence.res.dropout
    if dropout is not None:
        orders = ", ".join(str(int(o)) for o in dropout.orders)
        text = (
            f"Dropout is part of the model (orders {orders} by group): its probability may depend on the group and on "
            "the last outcomes. Waves missed in between are taken as missing at random."
        )
    return text, "Say why data are missing and whether this assumption is credible for them."


def _related(evidence: Evidence) -> Reply:
    return _dropout_covariates(evidence), (
        "Say which characteristics of subjects go with leaving or with missed waves, for example by comparing those "
        "who stayed with those who left."
    )


def _dropout_covariates(evidence: Evidence) -> str:
    if evidence.res.dropout is None:
        return ""
    names = evidence.res.dropout.covariate_names
    extra = f" and on {', '.join(names)}" if names else ""
    return f"The model of dropout rests on the group, the last outcomes where its order says so{extra}; " + (
        f"its coefficients are in {evidence.place('estimates') or 'the table of estimates'}.")


def _handling(evidence: Evidence) -> Reply:
    dropped = evidence.res.dropped.sentence()
    return (
        "Full-information maximum likelihood: a missing outcome drops that observation only, and a subject stays with "
        "those that are left; nothing was imputed. " + (dropped or "Nothing was dropped."), "",
    )


def _distribution(evidence: Evidence) -> Reply:
    res, family = evidence.res, family_named(evidence.res.family)
    counts, bounds = evidence.attrition.counts, res.outcome.bounds
    mean, sd = float(counts.values.mean[0]), float(counts.values.sd[0])
    text = (
        f"{res.outcome_name}: mean {show(mean, 'estimate')}, SD {show(sd, 'estimate')}, "
        f"minimum {counts.least:.5g}, maximum {counts.most:.5g} over {res.nobs} observations"
    )
    if not family.has_mean:
        of_each = [f"{n} in {show(share, 'percent')} %" for n, share in zip(
            level_names(res.outcome.spec.codes, res.outcome.spec.levels), _shares_of_all(res), strict=True)]
        text = f"{res.outcome_name} is {', '.join(of_each)} of {res.nobs} observations"
    if family.is_count:
        text += f"; {show(counts.zeros / res.nobs, 'percent')} % are zero"
    if family.is_binary:
        text = f"{res.outcome_name} is 1 in {show(counts.ones / res.nobs, 'percent')} % of {res.nobs} observations"
    for word, bound, at in (("lower", bounds[0], counts.lower), ("upper", bounds[1], counts.upper)):
        if np.isfinite(bound):
            text += f"; {show(at / res.nobs, 'percent')} % are at the {word} bound {bound:g}"
    text += f". Model: {family_title(res)}."
    where = evidence.place("waves")
    return text + (f" By wave: {where}." if where else ""), ""


def _shares_of_all(res: Fit) -> list[float]:
    """Of the levels, among all observations."""
    if res.on_disk is not None:
        assert res.on_disk.shares is not None
        at_level = np.nansum(res.on_disk.mass[..., None] * res.on_disk.shares, axis=(0, 1))
        return list(at_level / at_level.sum())
    return [float((res.outcome.data.y == c).mean()) for c in res.outcome.spec.codes or ()]


DATA_TOPICS = {
    "time": _time, "spread": _spread, "mechanism": _mechanism, "related": _related, "handling": _handling,
    "distribution": _distribution,
}
