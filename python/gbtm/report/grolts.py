"""The GRoLTS checklist filled in from a fit: what the software knows is written, what it cannot know is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..spec import COUNT_FAMILIES, SCALE_FAMILIES
from .attrition import Attrition, attrition
from .checklist import GROLTS_2017, GROLTS_REVISED, Question
from .fit_tables import family_of, share_sentence
from .numbers import show
from .software import versions_sentence

if TYPE_CHECKING:
    from ..results import GBTMResults

FILLED = "filled in by the software"
COMPLETE = "filled in by the software, to be completed by the author"
WRITE = "to be written by the author"


@dataclass(frozen=True)
class Answer:
    """Attributes
    ----------
    question : what is asked
    text : what the software knows, "" for nothing
    prompt : what the author has to write, "" for nothing
    """

    question: Question
    text: str = ""
    prompt: str = ""

    @property
    def status(self) -> str:
        if self.text and self.prompt:
            return COMPLETE
        return FILLED if self.text else WRITE


@dataclass(frozen=True)
class Known:
    """What answers are made of.

    ``places`` says where in the report something is shown: "Table 3", "Figure 1", by name.
    """

    res: GBTMResults
    attrition: Attrition
    search: Any = None
    checks: Any = None
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, name: str) -> str:
        """Where it is shown, or "" ."""
        return self.places.get(name, "")


def grolts(
    res: GBTMResults, search: Any = None, *, revised: bool = False, checks: Any = None,
    places: Mapping[str, str] | None = None,
) -> list[Answer]:
    """The checklist's questions with their answers.

    Parameters
    ----------
    res : the final model
    search : the ModelSearch it was chosen from
    revised : the revision's 18 questions instead of the 21 of 2017
    checks : residual checks of the fit
    places : where a report shows things, by name: "waves", "estimates", "groups", "choice", "cases", "curves" ..

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.report.grolts import grolts
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> answers = grolts(res)
    >>> len(answers), answers[15].text
    (21, 'Relative entropy is 1.000.')
    """
    known = Known(res, attrition(res), search, checks, dict(places or {}))
    return [Answer(q, *TOPICS[q.topic](known)) for q in (GROLTS_REVISED if revised else GROLTS_2017)]


Said = tuple[str, str]


def _time(known: Known) -> Said:
    time = np.asarray(known.res.document["data"]["time"], dtype=float)
    name = known.res.time_name
    return (
        f"Time is {name}, from {time.min():.5g} to {time.max():.5g}, in the model as it was given.",
        f"State the unit of {name} (years of age, months, waves ..) and what its zero is.",
    )


def _spread(known: Known) -> Said:
    found = known.attrition
    sd = found.waves["SD of time"].to_numpy(dtype=float)
    word = "wave" if found.common else "occasion (a subject's first, second, .. observation)"
    text = f"{known.place('waves') or 'The attrition table'} has the mean and the standard deviation of time by {word}."
    if found.common and not np.nan_to_num(sd).any():
        text += (f" A wave is a distinct value of {known.res.time_name}, the same for all subjects, so that time has "
                 "no variance within it.")
        return text, "If interviews of one wave were spread over time, report the mean and variance of their dates."
    return text, ""


def _mechanism(known: Known) -> Said:
    text = (
        "Maximum likelihood from all observations there are: valid where data are missing at random given the observed "
        "outcomes and the covariates of the model."
    )
    dropout = known.res.document["spec"]["dropout"]
    if dropout is not None:
        orders = ", ".join(str(int(o)) for o in dropout)
        text = (
            f"Dropout is part of the model (orders {orders} by group): its probability may depend on the group and on "
            "the last outcomes. Waves missed in between are taken as missing at random."
        )
    return text, "Say why data are missing and whether this assumption is credible for them."


def _related(known: Known) -> Said:
    return _dropout_covariates(known), (
        "Say which characteristics of subjects go with leaving or with missed waves, for example by comparing those "
        "who stayed with those who left."
    )


def _dropout_covariates(known: Known) -> str:
    stored = known.res.document.get("dropout")
    if stored is None:
        return ""
    names = list((stored.get("covariates") or {}).get("names", ()))
    extra = f" and on {', '.join(names)}" if names else ""
    return f"The model of dropout rests on the group, the last outcomes where its order says so{extra}; " + (
        f"its coefficients are in {known.place('estimates') or 'the table of estimates'}.")


def _handling(known: Known) -> Said:
    dropped = known.res.document["dropped"]["sentence"]
    return (
        "Full-information maximum likelihood: a missing outcome drops that observation only, and a subject stays with "
        "those that are left; nothing was imputed. " + (dropped or "Nothing was dropped."), "",
    )


def _distribution(known: Known) -> Said:
    res = known.res
    y, spec = np.asarray(res.document["data"]["y"], dtype=float), res.document["spec"]["outcomes"][0]
    sd = float(y.std(ddof=1)) if y.size > 1 else float("nan")
    text = (
        f"{res.outcome_name}: mean {show(float(y.mean()), 'estimate')}, SD {show(sd, 'estimate')}, "
        f"minimum {y.min():.5g}, maximum {y.max():.5g} over {res.nobs} observations"
    )
    if res.family in COUNT_FAMILIES:
        text += f"; {show(float((y == 0).mean()), 'percent')} % are zero"
    if res.family == "logit":
        text = f"{res.outcome_name} is 1 in {show(float((y == 1).mean()), 'percent')} % of {res.nobs} observations"
    for word, bound, at in (("lower", spec["lower"], np.less_equal), ("upper", spec["upper"], np.greater_equal)):
        if bound is not None:
            share = show(float(at(y, bound).mean()), "percent")
            text += f"; {share} % are at the {word} bound {bound:g}"
    text += f". Model: {family_of(res)}."
    where = known.place("waves")
    return text + (f" By wave: {where}." if where else ""), ""


def _software(known: Known) -> Said:
    return versions_sentence(known.res), ""


def _estimator(known: Known) -> Said:
    kind = {
        "hessian": "the inverse of the observed information", "robust": "a sandwich (robust)",
        "cluster": "a sandwich that respects clusters and strata",
        "traj": "the observed information as Stata's traj uses it",
    }.get(known.res.document["cov_type"], known.res.document["cov_type"])
    return f"Maximum likelihood of a finite mixture; standard errors from {kind}.", ""


def _within(known: Known) -> Said:
    spec = known.res.document["spec"]["outcomes"][0]
    if spec["random_orders"] is not None:
        orders = ", ".join(str(int(o)) for o in spec["random_orders"])
        text = f"Random effects within groups (orders {orders}: 0 an intercept, 1 a slope too, -1 none)."
    elif spec["ar1"]:
        text = "Errors within a subject follow an AR(1) process; there are no random effects."
    else:
        text = ("None in this model: subjects of a group share its curve, and observations are independent given the "
                "group.")
    found = [] if known.checks is None else [str(s) for s in getattr(known.checks, "sentences", ())]
    correlation = [s for s in found if "correlation" in s.lower()]
    text = " ".join([text, *correlation])
    if known.res.family in SCALE_FAMILIES:
        return text, "Say whether random effects (rorder) or correlated errors (ar1) were tried, and with what result."
    return text, "Say whether models with variation within groups were considered, and why this one was kept."


def _between(known: Known) -> Said:
    spec, family = known.res.document["spec"]["outcomes"][0], known.res.family
    if family in SCALE_FAMILIES:
        own = spec["sigma_by_group"]
        text = "Each group has its own sigma." if own else "All groups have the same sigma."
        other = "one common sigma" if own else "a sigma for each group (sigma_by_group)"
        return text, f"Say whether {other} was tried."
    if family in ("negbin", "zinb"):
        own = spec["dispersion_by_group"]
        text = "Each group has its own overdispersion psi." if own else "All groups have the same overdispersion psi."
        return text, f"Say whether {'a common psi' if own else 'a psi for each group (dispersion_by_group)'} was tried."
    if family == "beta":
        return "Each group has its own precision phi.", ""
    return (f"In the family {family_of(known.res)} a group's curve fixes its variance: there is no further parameter "
            "to vary."), ""


def _shapes(known: Known) -> Said:
    spec = known.res.document["spec"]["outcomes"][0]
    if spec["orders"] is None:
        text = f"The final model's curves follow {spec['basis']}."
    else:
        orders = ", ".join(str(int(o)) for o in spec["orders"])
        text = f"The final model's polynomial orders are {orders} (group 1 first)."
    if spec["zero_orders"] is not None:
        text += f" Orders of the zero-inflation part: {', '.join(str(int(o)) for o in spec['zero_orders'])}."
    if known.search is None or len(known.search.table) < 2:
        return text, "Describe which other orders or forms were tried, and how the choice was made."
    return f"{text} The alternatives that were fitted are in {known.place('choice') or 'the table of models'}.", ""


def _covariates(known: Known) -> Said:
    document = known.res.document
    stored = document["outcomes"][0].get("covariates")
    used = [("membership", document["membership"]["names"][1:]), ("time-varying", (stored or {}).get("names", ()))]
    found = [f"{kind}: {', '.join(names)}" for kind, names in used if len(names)]
    if document["data"].get("exposure") is not None:
        found.append("exposure enters as its logarithm")
    if document.get("weights") is not None:
        found.append("sampling weights, rescaled to mean 1")
    if not found:
        return "No covariates were used.", ""
    where = known.place("estimates") or "the table of estimates"
    listed = "; ".join(found)
    return (
        f"Estimated jointly with the groups. {listed[0].upper()}{listed[1:]}. Coefficients are in {where}.",
        "Describe how each covariate was measured and coded.",
    )


def _starts(known: Known) -> Said:
    document = known.res.document
    certificate, search = document["certificate"], document["search"]
    text = search["sentence"]
    further = int(search.get("n_moves") or 0)
    if further and not search.get("found_by_move"):
        text += f" {further} further starts rearranged the groups of the best optima."
    ended = "until convergence" if certificate["converged"] else "but did not reach convergence"
    text += f" Final iterations ran {ended}: largest absolute score {certificate['gradient']:.1e}."
    if search.get("user_start"):
        return text, "Say where the start values come from."
    return text, ""


def _selection(known: Known) -> Said:
    n, obs = known.res.n_subjects, known.res.nobs
    text = (
        f"AIC, BIC, sample-size adjusted BIC, CAIC and ICL, with n = {n} subjects and with n = {obs} observations; "
        "relative entropy, average posterior probabilities and odds of correct classification."
    )
    if known.search is None:
        return text, "Say which models were compared and what decided between them."
    words = "".join(f" {s}" for s in list(getattr(known.search, "sentences", ()))[:1])
    where = known.place("choice")
    shown = f" All criteria are in {where}." if where else ""
    return text + words + shown, "Say which criterion decided, and what subject matter added."


def _models(known: Known) -> Said:
    if known.search is None:
        return "", "State how many models were fitted, and report the one-class solution."
    groups = known.search.table["groups"].astype(int)
    one = "a one-group model among them" if (groups == 1).any() else "without a one-group model"
    prompt = "" if (groups == 1).any() else "Fit and report the one-class solution too."
    where = known.place("choice")
    return (f"{len(groups)} models with {groups.min()} to {groups.max()} groups, {one}"
            + (f" ({where})." if where else ".")), prompt


def _fit_table(known: Known) -> Said:
    where = known.place("choice")
    return (f"{where}.", "") if where else ("", "Give a table with the fit of all models that were evaluated.")


def _one_class(known: Known) -> Said:
    if known.res.n_groups == 1:
        return "The final model has one group.", ""
    if known.search is None or not (known.search.table["groups"].astype(int) == 1).any():
        return "", "Report the one-class solution."
    row = known.search.table[known.search.table["groups"].astype(int) == 1].iloc[0]
    loglik, bic = (show(float(row[c]), "criterion") for c in ("loglik", "bic_subjects"))
    return f"With one group the log-likelihood is {loglik} and BIC {bic} (n = subjects).", ""


def _final_cases(known: Known) -> Said:
    counts = known.res.assignment.value_counts()
    said = ", ".join(f"{int(counts.get(g, 0))} in group {g}" for g in known.res.group_names)
    return f"Assigned: {said}. Estimated shares: {share_sentence(known.res)}.", ""


def _cases(known: Known) -> Said:
    where = known.place("cases")
    if where:
        return f"{where}.", ""
    return _final_cases(known)[0], "Give the number of cases per class for the other models too."


def _entropy(known: Known) -> Said:
    if known.res.n_groups == 1:
        return "With one group there is no classification.", ""
    where = known.place("classification")
    return f"Relative entropy is {show(known.res.entropy, 'probability')}." + (
        f" For the other models: {where}." if where else ""), ""


def _shown(name: str, prompt: str) -> Any:
    def answer(known: Known) -> Said:
        where = known.place(name)
        return (f"{where}.", "") if where else ("", prompt)

    return answer


def _plots(known: Known) -> Said:
    if known.place("panels"):
        return f"{known.place('panels')}.", ""
    if known.place("best_panels"):
        return (f"{known.place('best_panels')} has the best model for each number of groups.",
                "Add the other models: search.plot_models(which='all').")
    return "", "Add plots of the trajectories of each model that was fitted."


def _numbers(known: Known) -> Said:
    where = [w for w in (known.place("estimates"), known.place("groups")) if w]
    text = f"Group shares: {share_sentence(known.res)}."
    return text + (f" Estimates, standard errors, intervals and n: {', '.join(where)}." if where else ""), ""


def _syntax(known: Known) -> Said:
    where = known.place("code")
    if not where:
        return "", "Make the syntax available, for example by gbtm.report.code.code_for(res, 'R')."
    return f"{where} has the code in R, Python and Stata.", "Say where readers find it."


def _data_or_code(known: Known) -> Said:
    text, _ = _syntax(known)
    return text, "Say where data and code can be had, or why the data cannot be shared."


TOPICS = {
    "time": _time, "spread": _spread, "mechanism": _mechanism, "related": _related, "handling": _handling,
    "distribution": _distribution, "software": _software, "estimator": _estimator, "within": _within,
    "between": _between, "shapes": _shapes, "covariates": _covariates, "starts": _starts, "selection": _selection,
    "models": _models, "fit_table": _fit_table, "one_class": _one_class, "final_cases": _final_cases, "cases": _cases,
    "entropy": _entropy, "plot": _shown("curves", "Add a plot of the estimated mean trajectories: res.plot()."),
    "plots": _plots,
    "individuals": _shown("individuals", "Add a plot of individual trajectories behind each group's curve."),
    "numbers": _numbers, "syntax": _syntax, "data_or_code": _data_or_code,
}
