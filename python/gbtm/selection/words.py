"""What a search found, in sentences: who chooses what, how clearly, and what is wrong with the chosen models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..constants import SHARED
from .candidates import Number, groups_in_words
from .table import numbers_in, weights

if TYPE_CHECKING:
    from ..api.results import GBTMResults
    from .runner import Fitted

NAMES = {"aic": "AIC", "bic": "BIC", "sabic": "SABIC", "caic": "CAIC", "icl": "ICL"}
SMALL_GROUP: float = SHARED["small_share"]
CLEAR_ENTROPY: float = SHARED["clear_entropy"]
WEIGHED = ("bic_subjects", "bic_observations")
CLEAR = 0.95  # Schwarz weight of a model that leaves little doubt
SHOWN = 4


def name_of(criterion: str) -> str:
    """``"BIC (n = subjects)"`` for ``bic_subjects``."""
    if criterion == "cv_loglik":
        return "cross-validated log-likelihood"
    if criterion == "blrt":
        return "the bootstrap likelihood-ratio test"
    traj, plain = criterion.startswith("traj_"), criterion.removeprefix("traj_")
    stem, _, n = plain.partition("_")
    return NAMES[stem] + (f" (n = {n})" if n else "") + (" on traj's scale" if traj else "")


def all_sentences(
    table: pd.DataFrame, choices: pd.Series, fits: Mapping[str, Fitted], happened: Mapping[str, Sequence[Any]],
    lowered_by: str | None = None, *, several: bool = False,
) -> list[str]:
    """Everything that the reader of a search has to know.

    ``happened`` has the sentences of the search itself: ``plan``, ``repairs``, ``not_done``, ``skipped``.
    ``lowered_by`` is the criterion that a search in stages followed; None where no criterion had a say in what to fit.
    ``several``: the models are of several outcomes.
    """
    return [
        *happened.get("plan", ()), *_choices(table, choices), *_followed(table, choices, lowered_by, several),
        *_strength(table, choices), *_edge(table, choices), *_no_penalty(table), *_chosen(table, choices, fits),
        *_set_aside(table), *happened.get("skipped", ()), *happened.get("repairs", ()), *happened.get("not_done", ()),
        *happened.get("later", ()),
    ]


def _choices(table: pd.DataFrame, choices: pd.Series) -> list[str]:
    """Who chooses what, those of one mind together."""
    if choices.empty:
        return ["No model can be chosen: none of the fits converged."]
    minds: dict[str, list[str]] = {}
    for criterion, label in choices.items():
        minds.setdefault(label, []).append(name_of(str(criterion)))
    if len(minds) == 1:
        label = next(iter(minds))
        return [f"All criteria choose {_model(table, label)}."]
    who = {k: f"{_listed(minds[k])} choose{'s' if len(minds[k]) == 1 else ''}" for k in table.index if k in minds}
    numbers = {_number(table, label) for label in minds}
    if len(numbers) == 1:
        shapes = "; ".join(f"{text} {label}" for label, text in who.items())
        return [f"All criteria choose {groups_in_words(numbers.pop())}, and disagree on the shapes: {shapes}."]
    text = "; ".join(f"{text} {_model(table, label)}" for label, text in who.items())
    return [f"The criteria disagree: {text}.", *_two_bics(table, choices)]


def _followed(table: pd.DataFrame, choices: pd.Series, lowered_by: str | None, several: bool) -> list[str]:
    """A criterion that the search did not follow may have its best among the models that were never fitted."""
    if lowered_by is None or choices.empty or not table.duplicated(numbers_in(table)).any():
        return []
    if several:
        return [
            f"Orders were lowered by {name_of(lowered_by)} outcome by outcome, with the groups' people as they were, "
            "and the outcomes then fitted together: another criterion might prefer shapes that were not fitted."
        ]
    return [
        f"Orders were lowered by {name_of(lowered_by)} alone: the other criteria choose among the models that this led "
        "to, and might prefer shapes that were not fitted (how 'grid' fits them all)."
    ]


def _two_bics(table: pd.DataFrame, choices: pd.Series) -> list[str]:
    """The disagreement that users meet most often."""
    if not {"bic_subjects", "bic_observations"} <= set(choices.index):
        return []
    a, b = choices["bic_subjects"], choices["bic_observations"]
    if a == b:
        return []
    return [
        f"BIC with n = subjects chooses {_model(table, a)}, with n = observations {_model(table, b)}: the two differ "
        "in what counts as one independent observation, and the effective number lies between: BIC alone does not "
        "settle it."
    ]


def _strength(table: pd.DataFrame, choices: pd.Series) -> list[str]:
    """How clear BIC's choice is."""
    usable = table[table["flag"] == ""]
    out = []
    for criterion in WEIGHED:
        if criterion not in choices.index or len(usable) < 2:
            continue
        ranked = usable[criterion].dropna().sort_values(kind="stable")
        if len(ranked) < 2:
            continue
        best, second = (str(label) for label in ranked.index[:2])
        weight = weights(ranked)
        how = "clearly" if weight[best] >= CLEAR else "not clearly"
        out.append(
            f"{name_of(criterion)} prefers {best} {how}: its Schwarz weight among the {len(ranked)} models is "
            f"{weight[best]:.2f}, and the next, {second}, is {ranked.iloc[1] - ranked.iloc[0]:.1f} higher "
            f"(weight {weight[second]:.2f})."
        )
    return out


def _edge(table: pd.DataFrame, choices: pd.Series) -> list[str]:
    """A choice at the edge of what was tried says only that the best is there or beyond."""
    of = ("",) if len(numbers_in(table)) == 1 else (" of the first outcome", " of the second outcome")
    out = []
    for column, whose in zip(numbers_in(table), of, strict=True):
        most = int(table[column].max())
        at_edge = [name_of(str(c)) for c, label in choices.items() if int(table[column][label]) == most]
        if not at_edge or most == int(table[column].min()):
            continue
        verb = "chooses" if len(at_edge) == 1 else "choose"
        who = "All criteria" if len(at_edge) == len(choices) > 1 else _listed(at_edge)
        out.append(f"{who} {verb} {most} groups{whose}, the most that were tried: more may be better still.")
    return out


def _no_penalty(table: pd.DataFrame) -> list[str]:
    """Sclove's penalty ln((n + 2) / 24) falls to nothing and below with few subjects."""
    if not (table["sabic_subjects"] + 2 * table["loglik"] <= 0).any():
        return []
    return [
        "SABIC (n = subjects) has no penalty with 22 subjects or fewer, ln((n + 2) / 24) being 0 or negative: it asks "
        "for more groups whatever the data, and its choice means nothing here."
    ]


def _chosen(table: pd.DataFrame, choices: pd.Series, fits: Mapping[str, Fitted]) -> list[str]:
    """What has to be known of the chosen models."""
    out = []
    for label in [k for k in table.index if k in set(choices)]:
        about, fit = table.loc[label], fits[label]
        res = fit.results
        caveats = []
        if "groups2" in table:
            for name in res.outcome_names:
                caveats += [f"{name}: {caveat}" for caveat in _small_groups(res.of_outcome(name))]
        else:
            caveats += _small_groups(res)
        if about["entropy"] < CLEAR_ENTROPY:
            caveats.append(f"relative entropy is {about['entropy']:.2f}, below {CLEAR_ENTROPY:g}")
        search = res.search
        if search.n_starts > 1 and about["hits"] <= 1:
            caveats.append(f"its optimum was reached by {about['hits']} of {search.n_starts} starts, so that a better "
                        "one may exist")
        if caveats:
            out.append(f"{label}: {'; '.join(caveats)}.")
        out += [f"{label}: {message}" for message in res.warnings[:SHOWN]]
        if len(res.warnings) > SHOWN:
            out.append(f"{label}: and {len(res.warnings) - SHOWN} more warnings.")
    return out


def _small_groups(res: GBTMResults) -> list[str]:
    """Groups that hardly anybody is in."""
    out = []
    for group, share in enumerate(res.group_set.shares, start=1):
        if share < SMALL_GROUP and res.n_groups > 1:
            n = res.n_assigned[group]
            out.append(f"group {group} holds {100 * share:.1f} % ({n} subject{'' if n == 1 else 's'} assigned)")
    return out


def _set_aside(table: pd.DataFrame) -> list[str]:
    return [f"{label} cannot be chosen: {flag}." .replace("..", ".") for label, flag in table["flag"].items() if flag]


def _model(table: pd.DataFrame, label: str) -> str:
    return f"{groups_in_words(_number(table, label))} ({label})"


def _number(table: pd.DataFrame, label: str) -> Number:
    """The number of groups of a model; of a dual model both."""
    first, *second = (int(table[c][label]) for c in numbers_in(table))
    return (first, second[0]) if second else first


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def repaired(label: str, before: float, after: float, source: str, *, made: bool = True) -> str:
    """A fit was below a model nested in it; ``made``, it was made again."""
    if not made:
        return (
            f"{label} is below {source}, which is nested in it, and there was no time to refit it from there: do not "
            "compare them."
        )
    if after > before:
        return (
            f"{label} first ended {after - before:.3g} lower in log-likelihood; it was refitted from {source}, which "
            "is nested in it."
        )
    return (
        f"{label} stays below {source}, which is nested in it, although it was refitted from there: do not compare "
        "them."
    )


def no_full_search(budget: float, left: Sequence[str], n_starts: int) -> str:
    """The time budget ended the search before chosen models were searched for as thoroughly as the others."""
    return (
        f"The time budget of {budget:g} s ended the search before it was done: {_listed(list(left))} had only "
        f"{n_starts} starts besides those from models of higher orders, and a better optimum may exist. "
        "Raise time_budget; with a checkpoint the search goes on where it was."
    )


def out_of_time(budget: float, left: Sequence[str]) -> str:
    """The time budget ended the search."""
    shown = ", ".join(left[:SHOWN]) + (f" and {len(left) - SHOWN} more" if len(left) > SHOWN else "")
    return (
        f"The time budget of {budget:g} s ended the search before it was done; not made: {shown}, and what would have "
        "followed from them. Raise time_budget; with a checkpoint the search goes on where it was."
    )


def too_many_groups(skipped: Sequence[int], n_subjects: int) -> str:
    """More groups than subjects."""
    which = _listed([str(k) for k in skipped])
    return f"{which} groups were left out: there are {n_subjects} subjects."
