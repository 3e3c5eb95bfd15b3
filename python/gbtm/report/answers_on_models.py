"""Answers about the model, how it was chosen, and what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from ..compute.reference_distribution import multiplier
from ..families import family_named
from ..fit.summary import family_title
from ..recipes.recipe import is_dual
from ..specification.covariance_kinds import COVARIANCE_KINDS
from ..tables.numbers import show
from .dual_tables import TABLES, of_sets
from .evidence import Evidence, Reply
from .fit_tables import share_sentence
from .software import versions_sentence

if TYPE_CHECKING:
    from ..api.dual_results import DualResults
    from ..api.results import GBTMResults


def _software(evidence: Evidence) -> Reply:
    return versions_sentence(evidence.res), ""


def _estimator(evidence: Evidence) -> Reply:
    res = evidence.res
    by = f", intervals and tests by {multiplier(res.df_inference)}" if np.isfinite(res.df_inference) else ""
    phrase = COVARIANCE_KINDS[res.cov_type].phrase
    return f"Maximum likelihood of a finite mixture; standard errors from {phrase}{by}.", ""


def _within(evidence: Evidence) -> Reply:
    spec = evidence.res.outcome.spec
    if spec.random_orders is not None:
        orders = ", ".join(str(o) for o in spec.random_orders)
        squared = max(spec.random_orders) > 1
        said = "0 an intercept, 1 a slope too, " + ("2 one of time squared too, " if squared else "") + "-1 none"
        text = f"Random effects within groups (orders {orders}: {said})."
        which = "The effects of a group" if squared else "Intercept and slope"
        text += f" {which} are correlated." if spec.random_correlated else ""
        text += " Their covariance is the same in all groups." if spec.random_common else ""
    elif spec.ar1:
        text = "Errors within a subject follow an AR(1) process; there are no random effects."
    else:
        text = ("None in this model: subjects of a group share its curve, and observations are independent given the "
                "group.")
    sentences = [] if evidence.checks is None else [str(s) for s in getattr(evidence.checks, "sentences", ())]
    correlation = [s for s in sentences if "correlation" in s.lower()]
    text = " ".join([text, *correlation])
    if family_named(evidence.res.family).may_correlate:
        return text, "Say whether random effects (rorder) or correlated errors (ar1) were tried, and with what result."
    return text, "Say whether models with variation within groups were considered, and why this one was kept."


def _between(evidence: Evidence) -> Reply:
    spec, family = evidence.res.outcome.spec, family_named(evidence.res.family)
    if family.has_sigma:
        by_group = spec.sigma_by_group
        text = "Each group has its own sigma." if by_group else "All groups have the same sigma."
        other = "one common sigma" if by_group else "a sigma for each group (sigma_by_group)"
        return text, f"Say whether {other} was tried."
    if family.has_dispersion:
        by_group = spec.dispersion_by_group
        text = f"{'Each group has its own' if by_group else 'All groups have the same'} overdispersion psi."
        other = "a common psi" if by_group else "a psi for each group (dispersion_by_group)"
        return text, f"Say whether {other} was tried."
    if family.has_precision:
        return "Each group has its own precision phi.", ""
    return (f"In the family {family_title(evidence.res)} a group's curve fixes its variance: there is no further "
            "parameter to vary."), ""


def _shapes(evidence: Evidence) -> Reply:
    spec = evidence.res.outcome.spec
    if spec.orders is None:
        text = f"The final model's curves follow {spec.shape}."
    else:
        orders = ", ".join(str(o) for o in spec.orders)
        text = f"The final model's polynomial orders are {orders} (group 1 first)."
    if spec.zero_orders is not None:
        what = "zero" if family_named(evidence.res.family).is_hurdle else "zero-inflation"
        text += f" Orders of the {what} part: {', '.join(str(o) for o in spec.zero_orders)}."
    if evidence.search is None or len(evidence.search.table) < 2:
        return text, "Describe which other orders or forms were tried, and how the choice was made."
    return f"{text} The alternatives that were fitted are in {evidence.place('choice') or 'the table of models'}.", ""


def _covariates(evidence: Evidence) -> Reply:
    res = evidence.res
    used = [("membership", res.group_sets[0].membership.covariate_names)]
    if res.dual is not None:
        first, second = res.outcome_names
        given = (f"groups of {second} given those of {first}", res.dual.basis.names)
        used = [(f"groups of {first}", used[0][1]), given]
    for o in res.outcomes:
        whose = f" ({o.name})" if len(res.outcomes) > 1 else ""
        used.append((f"time-varying{whose}", tuple(n for n in o.covariate_names if n not in o.spec.common)))
        used.append((f"with one effect for all groups{whose}", o.spec.common))
    phrases = [f"{kind}: {', '.join(names)}" for kind, names in used if len(names)]
    if any(o.has_exposure and family_named(o.family).takes_exposure for o in res.outcomes):
        phrases.append("exposure enters as its logarithm")
    if res.weighted:
        phrases.append("sampling weights, rescaled to mean 1")
    if not phrases:
        return "No covariates were used.", ""
    where = evidence.place("estimates") or "the table of estimates"
    listed = "; ".join(phrases)
    return (
        f"Estimated jointly with the groups. {listed[0].upper()}{listed[1:]}. Coefficients are in {where}.",
        "Describe how each covariate was measured and coded.",
    )


def _starts(evidence: Evidence) -> Reply:
    certificate, search = evidence.res.certificate, evidence.res.search
    text = search.sentence
    if search.n_moves and not search.found_by_move:
        text += f" {search.n_moves} further starts rearranged the groups of the best optima."
    ended = "until convergence" if certificate.converged else "but did not reach convergence"
    text += f" Final iterations ran {ended}: largest absolute score {certificate.gradient:.1e}."
    if search.user_start:
        return text, "Say where the start values come from."
    return text, ""


def _selection(evidence: Evidence) -> Reply:
    n, obs = evidence.res.n_subjects, evidence.res.nobs
    text = (
        f"AIC, BIC, sample-size adjusted BIC, CAIC and ICL, with n = {n} subjects and with n = {obs} observations; "
        "relative entropy, average posterior probabilities and odds of correct classification."
    )
    if evidence.search is None:
        return text, "Say which models were compared and what decided between them."
    words = "".join(f" {s}" for s in list(getattr(evidence.search, "sentences", ()))[:1])
    where = evidence.place("choice")
    shown = f" All criteria are in {where}." if where else ""
    return text + words + shown, "Say which criterion decided, and what subject matter added."


def _models(evidence: Evidence) -> Reply:
    if evidence.search is None:
        return "", "State how many models were fitted, and report the one-class solution."
    table = evidence.search.table
    groups = table["groups"].astype(int)
    one = "a one-group model among them" if (groups == 1).any() else "without a one-group model"
    prompt = "" if (groups == 1).any() else "Fit and report the one-class solution too."
    where = evidence.place("choice")
    return (f"{len(groups)} models with {numbers_words(table)}, {one}"
            + (f" ({where})." if where else ".")), prompt


def numbers_words(table: pd.DataFrame) -> str:
    """The numbers of groups that a search tried: ``"1 to 4 groups"``."""
    whose = ("",) if "groups2" not in table else (" of the first outcome", " of the second")
    ranges = [f"{table[c].astype(int).min()} to {table[c].astype(int).max()} groups{of}"
              for c, of in zip(("groups", "groups2"), whose, strict=False)]
    return " and ".join(ranges)


def entropy_words(res: GBTMResults) -> str:
    """Relative entropy; of a dual model that of each outcome's groups and of the pairs."""
    if not is_dual(res):
        return show(res.entropy, "probability")
    values = cast("DualResults", res).entropies
    return ", ".join(f"{show(value, 'probability')} of {name}" for name, value in values.items())


def _fit_table(evidence: Evidence) -> Reply:
    where = evidence.place("choice")
    return (f"{where}.", "") if where else ("", "Give a table with the fit of all models that were evaluated.")


def _one_class(evidence: Evidence) -> Reply:
    if evidence.res.n_groups == 1:
        return "The final model has one group.", ""
    if evidence.search is None or not (evidence.search.table["groups"].astype(int) == 1).any():
        return "", "Report the one-class solution."
    row = evidence.search.table[evidence.search.table["groups"].astype(int) == 1].iloc[0]
    loglik, bic = (show(float(row[c]), "criterion") for c in ("loglik", "bic_subjects"))
    return f"With one group the log-likelihood is {loglik} and BIC {bic} (n = subjects).", ""


def _final_cases(evidence: Evidence) -> Reply:
    each = []
    for name, one in of_sets(evidence.res):
        each.append(name + ", ".join(f"{one.n_assigned[g]} in group {g}" for g in one.group_names))
    return f"Assigned: {'; '.join(each)}. Estimated shares: {share_sentence(evidence.res)}.", ""


def _cases(evidence: Evidence) -> Reply:
    where = evidence.place("cases")
    if where:
        return f"{where}.", ""
    return _final_cases(evidence)[0], "Give the number of cases per class for the other models too."


def _entropy(evidence: Evidence) -> Reply:
    if evidence.res.n_groups == 1:
        return "With one group there is no classification.", ""
    where = evidence.place("classification")
    return f"Relative entropy is {entropy_words(evidence.res)}." + (
        f" For the other models: {where}." if where else ""), ""


def _shown(name: str, prompt: str) -> Any:
    def answer(evidence: Evidence) -> Reply:
        where = evidence.place(name)
        return (f"{where}.", "") if where else ("", prompt)

    return answer


def _plots(evidence: Evidence) -> Reply:
    if evidence.place("panels"):
        return f"{evidence.place('panels')}.", ""
    if evidence.place("best_panels"):
        return (f"{evidence.place('best_panels')} has the best model for each number of groups.",
                "Add the other models: plot_models() with which = \"all\" draws them.")
    return "", "Add plots of the trajectories of each model that was fitted."


def _numbers(evidence: Evidence) -> Reply:
    tables = ("estimates", "groups", *(TABLES if is_dual(evidence.res) else ()))
    where = [w for w in map(evidence.place, tables) if w]
    text = f"Group shares: {share_sentence(evidence.res)}."
    return text + (f" Estimates, standard errors, intervals and n: {', '.join(where)}." if where else ""), ""


def _syntax(evidence: Evidence) -> Reply:
    where = evidence.place("code")
    if not where:
        return "", "Make the syntax available: a report by grolts_report() has it."
    return f"{where} has the code in R, Python and Stata.", "Say where readers find it."


def _data_or_code(evidence: Evidence) -> Reply:
    text, _ = _syntax(evidence)
    return text, "Say where data and code can be had, or why the data cannot be shared."


MODEL_TOPICS = {
    "software": _software, "estimator": _estimator, "within": _within, "between": _between, "shapes": _shapes,
    "covariates": _covariates, "starts": _starts, "selection": _selection, "models": _models, "fit_table": _fit_table,
    "one_class": _one_class, "final_cases": _final_cases, "cases": _cases, "entropy": _entropy,
    "plot": _shown("curves", "Add a plot of the estimated mean trajectories."), "plots": _plots,
    "individuals": _shown("individuals", "Add a plot of individual trajectories behind each group's curve."),
    "numbers": _numbers, "syntax": _syntax, "data_or_code": _data_or_code,
}
